"""`elastic endpoint-ensure`: an inference endpoint with its model deployed."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from flows.confirmation import agree
from flows.elastic.deploy import download_model
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.plans import endpoint_plan, remote_endpoint_plan
from flows.elastic.privileges import TO_CHANGE_ENDPOINTS, TO_CHANGE_REMOTE_ENDPOINTS, ask_privileges
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.endpoints import (
    EndpointSpec,
    TaskType,
    ensure_endpoint,
    read_endpoint,
    verify_endpoint,
    wait_for_endpoint,
)
from tasks.elastic.cluster.models import DENSE_PACKAGED, RERANKER, RERANKING_TASK, read_model
from tasks.elastic.cluster.remote_endpoints import TASK_TYPE, RemoteEndpointSpec, ensure_remote_endpoint
from tasks.elastic.cluster.rerankers import RERANK, verify_reranker
from tasks.elastic.specs import AdaptiveAllocations, Name, Threads
from tasks.errors import InvalidInput
from tasks.models.settings import model_settings
from tasks.progress import say
from tasks.settings import address

_ELSER = ".elser_model_2"
_OF_ELASTICSEARCH = ("allocations", "threads", "adaptive")
_OF_OPENAI = ("url", "dimensions", "renew_key")
"""Options that one service has and the other does not."""


class EndpointOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic endpoint-ensure`."""

    name: Name = Field(description="The id of the endpoint, which mappings, pipelines and queries name.")
    service: Literal["elasticsearch", "openai"] = Field(
        default="elasticsearch",
        description="elasticsearch: a model in the cluster. openai: a text embedding model behind OpenAI's routes, OPENAI_BASE_URL with OPENAI_API_KEY.",
    )
    model_id: str | None = Field(
        default=None,
        description="The model. Of elasticsearch ELSER (sparse), .multilingual-e5-small (dense), .rerank-v1 (reranks, 8.17), or a model in the cluster that embeds texts or compares them (text_similarity); default: .elser_model_2. Of openai as the server calls it; default: OPENAI_EMBEDDING_MODEL.",
    )
    allocations: int | None = Field(
        default=None, ge=1, description="Allocations: texts embedded in parallel. Default: 1."
    )
    threads: Threads | None = Field(default=None, description="Threads per allocation. Default: 1.")
    adaptive: AdaptiveAllocations | None = Field(
        default=None,
        description="Adaptive allocations, between min and max by load, instead of a fixed number.",
    )
    url: str | None = Field(
        default=None,
        description="Of openai: where the cluster reaches the embeddings. Default: OPENAI_BASE_URL/embeddings.",
    )
    dimensions: int | None = Field(
        default=None,
        ge=1,
        description="Of openai: dimensions of the vectors, for models that can shorten them. Default: the model's.",
    )
    renew_key: bool = Field(
        default=False,
        description="Of openai: give an existing endpoint the key of OPENAI_API_KEY (8.17).",
    )

    def refuse_others(self) -> None:
        """Refuse options that the service does not have.

        Raises:
            InvalidInput: naming the first.
        """
        others = _OF_OPENAI if self.service == "elasticsearch" else _OF_ELASTICSEARCH
        for name in others:
            if given := getattr(self, name):
                raise InvalidInput(
                    f"The service {self.service} does not have this option",
                    value=given,
                    source=f"--{name.replace('_', '-')}",
                    remedy="Leave it out, or choose the other service.",
                )


@engine_flow(ELASTIC, "endpoint-ensure", run_name="endpoint-ensure {name} on {target}")
def ensure_inference_endpoint(options: EndpointOptions) -> Report:
    """Create an inference endpoint: of a model in the cluster, downloaded and deployed before anything uses it, or of one behind OpenAI's routes.

    An endpoint that exists as requested is left alone; a different number of allocations is set in place. One with
    another model is refused: fields that use it hold embeddings of its model. Texts for a model behind OpenAI's routes leave the
    cluster; its key goes to the cluster alone, which keeps it.

    Example:
        vector-search elastic endpoint-ensure --name my-elser --allocations 2 --target sandbox
    """
    options.refuse_others()
    with running(ELASTIC, "endpoint-ensure", options) as run:
        if options.service == "openai":
            _ensure_remote(run, options)
        else:
            _ensure_local(run, options)
        run.report.facts["endpoint"] = options.name
    return run.report


def _ensure_local(run: ElasticRun, options: EndpointOptions) -> None:
    ask_privileges(run, *TO_CHANGE_ENDPOINTS)
    cluster = verify_cluster(run.settings)
    agree([], yes=True, plan=lambda: endpoint_plan(run, _spec(run, options), cluster))
    download_model(run, options.model_id or _ELSER, may_rerank=True)
    spec = _spec(run, options)
    with run.report.step(f"inference endpoint {spec.id}") as step:
        if read_endpoint(run.settings, spec.id) is None and not cluster.serverless:
            verify_capacity(run.settings, [spec.deployment])
        ensured = ensure_endpoint(run.settings, spec, run.deadline)
        wait_for_endpoint(run.settings, spec, run.deadline)
        step.saw(f"{ensured.did if ensured.changed else 'unchanged'}, {spec.task_type} by {spec.model_id}")
        if spec.deployment.least_allocations:
            verify = verify_reranker if spec.task_type == RERANK else verify_endpoint
            step.saw(str(verify(run.settings, spec.id, deadline=run.deadline)))
        else:
            step.saw("scaled to zero: the first request starts an allocation and may fail")


def _ensure_remote(run: ElasticRun, options: EndpointOptions) -> None:
    models = model_settings(options.target)
    url = (
        address(options.url, credentials="OPENAI_API_KEY") if options.url else f"{models.base_url}/embeddings"
    )
    spec = RemoteEndpointSpec(
        id=options.name,
        model_id=options.model_id or models.embedding(),
        url=url,
        dimensions=options.dimensions,
    )
    ask_privileges(run, *TO_CHANGE_REMOTE_ENDPOINTS)
    agree([], yes=True, plan=lambda: remote_endpoint_plan(run, spec))
    say(f"Every text that {spec.id} embeds is sent to {urlsplit(spec.url).hostname}, by the cluster.")
    with run.report.step(f"inference endpoint {spec.id}") as step:
        ensured = ensure_remote_endpoint(run.settings, spec, models, renew_key=options.renew_key)
        step.saw(f"{ensured.did if ensured.changed else 'unchanged'}, {TASK_TYPE} by {spec.model_id}")
        step.saw(str(verify_endpoint(run.settings, spec.id, deadline=run.deadline)))


def _spec(run: ElasticRun, options: EndpointOptions) -> EndpointSpec:
    """What is wanted; what an uploaded model answers is read from the cluster."""
    model_id = options.model_id or _ELSER
    model = read_model(run.settings, model_id)
    return EndpointSpec(
        id=options.name,
        task_type=_task_type(model_id, "" if model is None else model.task),
        model_id=model_id,
        allocations=options.allocations or 1,
        threads=options.threads or 1,
        adaptive=options.adaptive,
    )


def _task_type(model_id: str, task: str) -> TaskType:
    """What an endpoint answers by a model, which a packaged model's id says before it is there."""
    if model_id == RERANKER or task == RERANKING_TASK:
        return RERANK
    return "text_embedding" if model_id in DENSE_PACKAGED or task == "text_embedding" else "sparse_embedding"
