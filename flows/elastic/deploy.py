"""`elastic deploy`: the model downloaded, and deployments of it started that fit the nodes."""

from __future__ import annotations

from pydantic import Field

from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.capacity import DoesNotFit, verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.inference import verify_inference
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec, Name, Priority, Threads
from tasks.progress import say


class DeployOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic deploy`."""

    name: Name = Field(description="Names the deployments: NAME-ingest and NAME-search.")
    model_id: str = Field(
        default=".elser_model_2",
        description="The model: ELSER, its platform variant, or another text model that is in the cluster.",
    )
    ingest_allocations: int = Field(
        default=1, ge=1, description="Texts that are embedded at a time; more of them for throughput."
    )
    ingest_threads: Threads = Field(
        default=1, description="Threads that work on one text while documents are embedded."
    )
    ingest_adaptive: AdaptiveAllocations | None = Field(
        default=None, description="In place of a fixed number, between min and max allocations, by load."
    )
    search_allocations: int = Field(
        default=1,
        ge=0,
        description="Queries that are embedded at a time; 0 starts no deployment for search.",
    )
    search_threads: Threads = Field(
        default=2, description="Threads that work on one query; more of them for latency."
    )
    search_adaptive: AdaptiveAllocations | None = Field(
        default=None, description="In place of a fixed number, between min and max allocations, by load."
    )
    queue_capacity: int | None = Field(
        default=None,
        ge=1,
        description="Texts that may wait before the deployment refuses more. Default: the cluster's.",
    )
    cache_size: str | None = Field(
        default=None,
        description="Cache of embeddings, such as 100mb; 0b is off. Default: the cluster's.",
    )
    priority: Priority = Field(
        default="normal", description="low means 1 allocation of 1 thread, for trying something out."
    )
    may_grow: bool = Field(
        default=False,
        description="The cluster adds machine-learning nodes by itself: start also what does not fit those of now, and wait.",
    )
    recreate: bool = Field(
        default=False, description="Delete the model and download it again, as the notebook does."
    )

    @property
    def deployments(self) -> list[DeploymentSpec]:
        """The one for ingest and, unless it is left out, the one for search."""
        shared = self.shared_with(DeploymentSpec)
        ingest = {
            "id": f"{self.name}-ingest",
            "allocations": self.ingest_allocations,
            "threads": self.ingest_threads,
            "adaptive": self.ingest_adaptive,
        }
        search = {
            "id": f"{self.name}-search",
            "allocations": self.search_allocations,
            "threads": self.search_threads,
            "adaptive": self.search_adaptive,
        }
        chosen = [ingest, search] if self.search_allocations else [ingest]
        return [DeploymentSpec.model_validate({**shared, **own}) for own in chosen]


@engine_flow(ELASTIC, "deploy", run_name="deploy {name} on {target}")
def deploy_model(options: DeployOptions) -> Report:
    """Download a model and start a deployment of it for ingest and one for search.

    What is there already and the same is left alone; another number of allocations is set in place. Before anything is
    started it is seen that it fits the nodes. When there is no room for both, one serves ingest and search.

    Example:
        vector-search elastic deploy --name movies --target sandbox --ingest-allocations 4
    """
    wanted = options.deployments
    with running(ELASTIC, "deploy", options) as run:
        verify_cluster(run.settings, may_grow=options.may_grow)
        download_model(run, options.model_id, recreate=options.recreate)
        if not options.may_grow:
            wanted = _fitting(run.settings, wanted)
        for spec in wanted:
            start(run, spec)
        run.report.facts["deployments"] = [spec.id for spec in wanted]
    return run.report


def _fitting(settings: ElasticSettings, wanted: list[DeploymentSpec]) -> list[DeploymentSpec]:
    """Those that are started: all, or the first alone when there is no room for another."""
    try:
        verify_capacity(settings, wanted)
    except DoesNotFit as error:
        if error.deployment == wanted[0].id:
            raise
        say(f"{error} {wanted[0].id} serves ingest and search.")
        return wanted[:1]
    return wanted


def download_model(run: ElasticRun, model_id: str, *, recreate: bool = False) -> None:
    """The model, downloaded until it is fully defined. The tour calls this too."""
    with run.report.step(f"download model {model_id}") as step:
        ensured = ensure_model(run.settings, model_id, recreate=recreate)
        model = wait_for_model(run.settings, model_id, run.deadline)
        step.saw(
            f"{'was there' if ensured.there.usable else 'downloaded'}, {model.size_bytes:,} bytes, fully defined"
        )


def start(run: ElasticRun, spec: DeploymentSpec) -> None:
    """A deployment, started with all its allocations and seen to answer. The tour calls this too."""
    with run.report.step(f"start deployment {spec.id}") as step:
        ensure_deployment(run.settings, spec, run.deadline)
        there = wait_for_deployment(run.settings, spec, run.deadline)
        step.saw(
            f"{there.allocated} of {there.allocations} allocations, threads each: {there.threads}, queue {there.queue_capacity:,}"
        )
        if there.allocated:
            step.saw(f"answers in {verify_inference(run.settings, spec.id).milliseconds:.0f} ms")
        else:
            step.saw("scaled to zero: the first request starts an allocation and fails")
