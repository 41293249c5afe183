"""`elastic endpoint-ensure`: an inference endpoint with its model deployed."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree
from flows.elastic.deploy import download_model
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.plans import endpoint_plan
from flows.elastic.privileges import TO_CHANGE_ENDPOINTS, ask_privileges
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.endpoints import (
    EndpointSpec,
    ensure_endpoint,
    read_endpoint,
    verify_endpoint,
    wait_for_endpoint,
)
from tasks.elastic.cluster.models import DENSE_PACKAGED, read_model
from tasks.elastic.specs import AdaptiveAllocations, Name, Threads


class EndpointOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic endpoint-ensure`."""

    name: Name = Field(description="The id of the endpoint, which mappings, pipelines and queries name.")
    model_id: str = Field(
        default=".elser_model_2",
        description="The model: ELSER (sparse), .multilingual-e5-small (dense), or another text model in the cluster.",
    )
    allocations: int = Field(default=1, ge=1, description="Allocations: texts embedded in parallel.")
    threads: Threads = Field(default=1, description="Threads per allocation.")
    adaptive: AdaptiveAllocations | None = Field(
        default=None,
        description="Adaptive allocations, between min and max by load, instead of a fixed number.",
    )


@engine_flow(ELASTIC, "endpoint-ensure", run_name="endpoint-ensure {name} on {target}")
def ensure_inference_endpoint(options: EndpointOptions) -> Report:
    """Create an inference endpoint, with its model downloaded and deployed before anything uses it.

    An endpoint that exists as requested is left alone; a different number of allocations is set in place. One with
    another model is refused: fields that use it hold embeddings of its model.

    Example:
        vector-search elastic endpoint-ensure --name my-elser --allocations 2 --target sandbox
    """
    with running(ELASTIC, "endpoint-ensure", options) as run:
        ask_privileges(run, *TO_CHANGE_ENDPOINTS)
        cluster = verify_cluster(run.settings)
        agree([], yes=True, plan=lambda: endpoint_plan(run, _spec(run, options), cluster))
        download_model(run, options.model_id)
        spec = _spec(run, options)
        with run.report.step(f"inference endpoint {spec.id}") as step:
            if read_endpoint(run.settings, spec.id) is None and not cluster.serverless:
                verify_capacity(run.settings, [spec.deployment])
            ensured = ensure_endpoint(run.settings, spec, run.deadline)
            wait_for_endpoint(run.settings, spec, run.deadline)
            step.saw(
                f"{ensured.did if ensured.changed else 'unchanged'}, {spec.task_type} by {spec.model_id}"
            )
            if spec.deployment.least_allocations:
                step.saw(str(verify_endpoint(run.settings, spec.id)))
            else:
                step.saw("scaled to zero: the first request starts an allocation and may fail")
        run.report.facts["endpoint"] = spec.id
    return run.report


def _spec(run: ElasticRun, options: EndpointOptions) -> EndpointSpec:
    """What is wanted; whether a model is sparse or dense is read from the cluster."""
    model = read_model(run.settings, options.model_id)
    dense = options.model_id in DENSE_PACKAGED or (model is not None and model.task == "text_embedding")
    shared = options.shared_with(EndpointSpec)
    kind = "text_embedding" if dense else "sparse_embedding"
    return EndpointSpec.model_validate({**shared, "id": options.name, "task_type": kind})
