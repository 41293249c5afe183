"""`elastic deploy`: the model downloaded, and deployments of it started that fit the nodes."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from flows.slots import holding
from tasks.elastic.cluster.capacity import DoesNotFit, verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.inference import verify_inference
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec, Name, Priority, Threads
from tasks.progress import say
from tasks.waiting import Deadline


@flow(name="elastic deploy", flow_run_name="deploy {name} on {target}")
def deploy_model(
    *,
    name: Name,
    target: ElasticTarget,
    model_id: str = ".elser_model_2",
    ingest_allocations: Annotated[int, Field(ge=1)] = 1,
    ingest_threads: Threads = 1,
    ingest_adaptive: AdaptiveAllocations | None = None,
    search_allocations: Annotated[int, Field(ge=0)] = 1,
    search_threads: Threads = 2,
    search_adaptive: AdaptiveAllocations | None = None,
    queue_capacity: Annotated[int, Field(ge=1)] | None = None,
    cache_size: str | None = None,
    priority: Priority = "normal",
    may_grow: bool = False,
    recreate: bool = False,
    timeout_minutes: Annotated[float, Field(gt=0)] = 60,
) -> Report:
    """Download a model and start a deployment of it for ingest and one for search.

    What is there already and the same is left alone; another number of allocations is set in place. Before anything is
    started it is seen that it fits the nodes. When there is no room for both, one serves ingest and search.

    Args:
        name: Names the deployments: NAME-ingest and NAME-search.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        model_id: The model: ELSER, its platform variant, or another text model that is in the cluster.
        ingest_allocations: Texts that are embedded at a time; more of them for throughput.
        ingest_threads: Threads that work on one text while documents are embedded.
        ingest_adaptive: In place of a fixed number, between min and max allocations, by load.
        search_allocations: Queries that are embedded at a time; 0 starts no deployment for search.
        search_threads: Threads that work on one query; more of them for latency.
        search_adaptive: In place of a fixed number, between min and max allocations, by load.
        queue_capacity: Texts that may wait before the deployment refuses more. Default: the cluster's.
        cache_size: Cache of embeddings, such as 100mb; 0b is off. Default: the cluster's.
        priority: low means 1 allocation of 1 thread, for trying something out.
        may_grow: The cluster adds machine-learning nodes by itself: start also what does not fit those of now, and wait.
        recreate: Delete the model and download it again, as the notebook does.
        timeout_minutes: Give up waiting after so many minutes; what runs in the cluster goes on.

    Example:
        vector-search elastic deploy --name movies --target sandbox --ingest-allocations 4
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=timeout_minutes)
    ingest = DeploymentSpec(
        id=f"{name}-ingest",
        model_id=model_id,
        allocations=ingest_allocations,
        threads=ingest_threads,
        queue_capacity=queue_capacity,
        cache_size=cache_size,
        priority=priority,
        adaptive=ingest_adaptive,
    )
    changed = {
        "id": f"{name}-search",
        "allocations": search_allocations,
        "threads": search_threads,
        "adaptive": search_adaptive,
    }
    wanted = [ingest]
    if search_allocations:
        wanted.append(DeploymentSpec.model_validate({**ingest.model_dump(), **changed}))
    with reporting("elastic deploy", name, target) as report, holding("elastic", name, deadline):
        verify_cluster(settings, may_grow=may_grow)
        download_model(settings, model_id, report, deadline, recreate=recreate)
        if not may_grow:
            wanted = _fitting(settings, wanted)
        for spec in wanted:
            start(settings, spec, report, deadline)
        report.facts["deployments"] = [spec.id for spec in wanted]
    return report


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


def download_model(
    settings: ElasticSettings, model_id: str, report: Report, deadline: Deadline, *, recreate: bool = False
) -> None:
    """The model, downloaded until it is fully defined. The tour calls this too."""
    with report.step(f"download model {model_id}") as step:
        there = ensure_model(settings, model_id, recreate=recreate)
        model = wait_for_model(settings, model_id, deadline)
        step.saw(
            f"{'was there' if there.usable else 'downloaded'}, {model.size_bytes:,} bytes, fully defined"
        )


def start(settings: ElasticSettings, spec: DeploymentSpec, report: Report, deadline: Deadline) -> None:
    """A deployment, started with all its allocations and seen to answer. The tour calls this too."""
    with report.step(f"start deployment {spec.id}") as step:
        ensure_deployment(settings, spec, deadline)
        there = wait_for_deployment(settings, spec, deadline)
        step.saw(
            f"{there.allocated} of {there.allocations} allocations, threads each: {there.threads}, queue {there.queue_capacity:,}"
        )
        if there.allocated:
            step.saw(f"answers in {verify_inference(settings, spec.id).milliseconds:.0f} ms")
        else:
            step.saw("scaled to zero: the first request starts an allocation and fails")
