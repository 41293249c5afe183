"""`elastic deploy`: download a model and start deployments of it that fit the nodes."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.plans import deploy_plan
from flows.elastic.privileges import TO_DEPLOY, ask_privileges
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.plan import Plan
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.capacity import DoesNotFit, verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.inference import verify_inference
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.cluster.serverless import verify_not_serverless
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec, Name, Priority, Threads
from tasks.progress import say


class DeployOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic deploy`."""

    name: Name = Field(description="Names the deployments: NAME-ingest and NAME-search.")
    model_id: str = Field(
        default=".elser_model_2",
        description="The model: ELSER, its platform variant, or another text model in the cluster.",
    )
    ingest_allocations: int = Field(
        default=1,
        ge=1,
        description="Allocations for ingest: texts embedded in parallel. More raise throughput.",
    )
    ingest_threads: Threads = Field(default=1, description="Threads per allocation for ingest.")
    ingest_adaptive: AdaptiveAllocations | None = Field(
        default=None,
        description="Adaptive allocations for ingest, between min and max by load, instead of a fixed number.",
    )
    search_allocations: int = Field(
        default=1,
        ge=0,
        description="Allocations for search: queries embedded in parallel; 0 starts no deployment for search.",
    )
    search_threads: Threads = Field(
        default=2, description="Threads per allocation for search. More lower latency."
    )
    search_adaptive: AdaptiveAllocations | None = Field(
        default=None,
        description="Adaptive allocations for search, between min and max by load, instead of a fixed number.",
    )
    queue_capacity: int | None = Field(
        default=None,
        ge=1,
        description="Requests that may wait before the deployment rejects more. Default: the cluster's.",
    )
    cache_size: str | None = Field(
        default=None,
        description="Cache of embeddings, such as 100mb; 0b is off. Default: the cluster's.",
    )
    priority: Priority = Field(
        default="normal", description="low allows 1 allocation of 1 thread, for trials."
    )
    may_grow: bool = Field(
        default=False,
        description="The cluster scales its machine-learning nodes by itself: also start what does not fit the current ones, and wait.",
    )
    recreate: bool = Field(
        default=False, description="Delete the model and download it again, as the ELSER notebook does."
    )

    @property
    def deployments(self) -> list[DeploymentSpec]:
        """One for ingest and, unless it is left out, one for search."""
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
    """Download a model and start one deployment of it for ingest and one for search.

    Deployments that already run as requested are left alone; a different number of allocations is set in place. Nothing
    is started unless it fits the nodes. If there is no room for both, one deployment serves ingest and search.

    Example:
        vector-search elastic deploy --name movies --target sandbox --ingest-allocations 4
    """
    wanted = options.deployments
    with running(ELASTIC, "deploy", options) as run:
        verify_not_serverless(
            run.settings, "elastic deploy", needs="the room and the processors of machine-learning nodes"
        )
        ask_privileges(run, *TO_DEPLOY)
        verify_cluster(run.settings, may_grow=options.may_grow)
        agree([], yes=True, plan=lambda: _plan(run, options))
        download_model(run, options.model_id, recreate=options.recreate)
        if not options.may_grow:
            wanted = _fitting(run.settings, wanted)
        for spec in wanted:
            start(run, spec, may_grow=options.may_grow)
        run.report.facts["deployments"] = [spec.id for spec in wanted]
    return run.report


def _plan(run: ElasticRun, options: DeployOptions) -> Plan:
    wanted, fits = options.deployments, ""
    if not options.may_grow:
        fitting = _fitting(run.settings, wanted)
        fits = (
            ""
            if len(fitting) == len(wanted)
            else f"{fitting[0].id} serves ingest and search: there is no room for both."
        )
        wanted = fitting
    return deploy_plan(run, options.model_id, wanted, recreate=options.recreate, fits=fits)


def _fitting(settings: ElasticSettings, wanted: list[DeploymentSpec]) -> list[DeploymentSpec]:
    """The deployments to start: all, or only the first if there is no room for another."""
    try:
        verify_capacity(settings, wanted)
    except DoesNotFit as error:
        if error.deployment == wanted[0].id:
            raise
        say(f"{error} {wanted[0].id} serves ingest and search.")
        return wanted[:1]
    return wanted


def download_model(
    run: ElasticRun, model_id: str, *, recreate: bool = False, may_rerank: bool = False
) -> None:
    """Download a model and wait until it is fully defined. The tour calls this too."""
    with run.report.step(f"download model {model_id}") as step:
        ensured = ensure_model(run.settings, model_id, recreate=recreate, may_rerank=may_rerank)
        model = wait_for_model(run.settings, model_id, run.deadline)
        step.saw(
            f"{'was there' if ensured.there.usable else 'downloaded'}, {model.size_bytes:,} bytes, fully defined"
        )


def start(run: ElasticRun, spec: DeploymentSpec, *, may_grow: bool = False) -> None:
    """Start a deployment, wait for all its allocations, and check that it answers. The tour calls this too."""
    with run.report.step(f"start deployment {spec.id}") as step:
        ensure_deployment(run.settings, spec, run.deadline, may_grow=may_grow)
        there = wait_for_deployment(run.settings, spec, run.deadline, may_grow=may_grow)
        step.saw(
            f"{there.allocated} of {there.allocations} allocations, threads each: {there.threads}, queue {there.queue_capacity:,}"
        )
        if there.allocated:
            step.saw(f"answers in {verify_inference(run.settings, spec.id).milliseconds:.0f} ms")
        else:
            step.saw("scaled to zero: the first request starts an allocation and fails")
