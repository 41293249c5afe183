"""Deployments of models: started, waited for, scaled, stopped. Known by the ids that we choose, never by their position.

A start that is answered with 200 need not have started: while the cluster could still grow, it answers `starting` with a
reason and no node. A deployment that exists is never started again, whoever started it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound, ServiceUnwell
from tasks.elastic.cluster.capacity import Setting
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, Conflict, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec
from tasks.errors import CannotChangeInPlace, PermanentError
from tasks.outcomes import Ensured
from tasks.program import PROGRAM
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

START_SECONDS = 30
"""`wait_for=starting` answers as soon as the deployment is planned."""


@dataclass(frozen=True, kw_only=True)
class DeploymentState:
    """A deployment as it was last read."""

    id: str
    model_id: str
    state: str
    """`starting`, `started`, `stopping`, `failed`"""
    reason: str
    """Why it makes no progress, per node; empty if nothing is in the way."""
    allocations: int
    """How many are requested."""
    allocated: int
    """How many run."""
    threads: int
    queue_capacity: int
    cache_size: str
    priority: str
    adaptive: AdaptiveAllocations | None
    nodes: int
    """How many nodes it is on; each has a queue of its own."""
    inferences: int
    rejected: int
    """Texts that found the queue full."""
    timeouts: int
    errors: int
    pending: int
    """Texts that wait in the queues now."""
    milliseconds: float | None
    """Average time of one inference that was not answered from the cache; None before the first."""

    def scaled(self, allocations: int) -> DeploymentSpec:
        """The specification of this deployment, whoever started it, with another number of allocations."""
        return DeploymentSpec.model_construct(
            id=self.id,
            model_id=self.model_id,
            allocations=allocations,
            threads=self.threads,
            priority=self.priority,
        )


class NoCapacity(PermanentError):
    """The cluster has no room for a deployment and cannot grow. Nothing of it remains."""

    def __init__(self, spec: DeploymentSpec, *, said: str) -> None:
        self.spec, self.said = spec, said
        super().__init__(
            f"The deployment {spec.id!r} ({Setting(spec.allocations, spec.threads)}) does not fit: {said} "
            "Request fewer allocations or threads, stop another deployment, or use larger or more ML nodes."
        )


class DeploymentFailed(PermanentError):
    """A deployment failed, or was stopped by somebody."""

    def __init__(self, id_: str, *, state: str, reason: str) -> None:
        self.id, self.state, self.reason = id_, state, reason
        super().__init__(
            f"The deployment {id_!r} is {state}: {reason or 'the cluster gives no reason'}. Stop it and start it again."
        )


@step("read deployment {deployment_id}")
def read_deployment(settings: ElasticSettings, deployment_id: str) -> DeploymentState | None:
    """One deployment by its id, or None."""
    return next((d for d in read_deployments.fn(settings) if d.id == deployment_id), None)


@step("list the deployments")
def read_deployments(settings: ElasticSettings) -> tuple[DeploymentState, ...]:
    """All deployments in the cluster, by id."""
    with calling("read the deployments"):
        found = connect(settings).ml.get_trained_models_stats(size=1000)
    entries = [
        _deployment_state(entry["deployment_stats"])
        for entry in found["trained_model_stats"]
        if "deployment_stats" in entry
    ]
    return tuple(sorted(entries, key=lambda d: d.id))


@step("ensure deployment {spec.id}")
def ensure_deployment(
    settings: ElasticSettings, spec: DeploymentSpec, deadline: Deadline
) -> Ensured[DeploymentState]:
    """The deployment of this specification, started unless it exists; a different number of allocations is set in place.

    Args:
        settings: the target.
        spec: what is wanted.
        deadline: bounds the wait for an earlier start or stop to end, where one stands in the way.

    Raises:
        CannotChangeInPlace: it exists with another model, threads, queue, cache or priority.
        NoCapacity: the nodes cannot hold it. Nothing of it remains.
        BadRequest, NotFound: the model does not exist, or a parameter is wrong.
    """
    there = read_deployment.fn(settings, spec.id)
    if there is not None and there.state == "stopping":
        _wait_until_gone(settings, spec.id, deadline)
        there = None
    if there is None:
        return _start(settings, spec)
    _refuse_difference(spec, there)
    if _is_scaled(spec, there):
        return Ensured(there)
    if there.state == "starting":
        there = _wait_until_started(settings, spec.id, 1, deadline)
    _update(settings, spec, there)
    return Ensured(read_deployment.fn(settings, spec.id) or there, "changed")


@step("wait for deployment {spec.id}")
def wait_for_deployment(
    settings: ElasticSettings, spec: DeploymentSpec, deadline: Deadline
) -> DeploymentState:
    """The deployment, once it is started with all requested allocations.

    Raises:
        DeploymentFailed: it failed, or is being stopped.
        DeadlinePassed: with the reason that the cluster gives for what is missing.
    """
    return _wait_until_started(settings, spec.id, spec.least_allocations, deadline)


@step("remove deployment {deployment_id}")
def remove_deployment(
    settings: ElasticSettings, deployment_id: str, deadline: Deadline, *, force: bool = False
) -> tuple[str, ...]:
    """Stop a deployment and wait until it is gone. Returns its id, or nothing if it did not exist.

    Raises:
        Conflict: an ingest pipeline names it; `force` stops it all the same.
    """
    if read_deployment.fn(settings, deployment_id) is None:
        return ()
    try:
        with calling(f"stop the deployment {deployment_id}"):
            connect(settings).ml.stop_trained_model_deployment(model_id=deployment_id, force=force)
    except NotFound:
        return (deployment_id,)
    _wait_until_gone(settings, deployment_id, deadline)
    return (deployment_id,)


def _start(settings: ElasticSettings, spec: DeploymentSpec) -> Ensured[DeploymentState]:
    chosen: dict[str, Any] = {"queue_capacity": spec.queue_capacity, "cache_size": spec.cache_size}
    if spec.priority != "normal":
        chosen["priority"] = spec.priority
    if spec.adaptive is None:
        chosen["number_of_allocations"] = spec.allocations
    else:
        chosen["adaptive_allocations"] = spec.adaptive.body()
    try:
        with calling(f"start the deployment {spec.id}"):
            answer = connect(settings).ml.start_trained_model_deployment(
                model_id=spec.model_id,
                deployment_id=spec.id,
                threads_per_allocation=spec.threads,
                wait_for="starting",
                timeout=f"{START_SECONDS}s",
                **{name: value for name, value in chosen.items() if value is not None},
            )
    except ServiceUnwell as error:
        if error.status == 429 and error.type == "status_exception":
            raise NoCapacity(spec, said=error.said) from error
        raise
    except (BadRequest, Conflict):
        # A lost reply, or somebody else was faster: then it exists, and is compared like any other.
        there = read_deployment.fn(settings, spec.id)
        if there is None:
            raise
        _refuse_difference(spec, there)
        return Ensured(there)
    assignment: dict[str, Any] = answer["assignment"]
    if assignment.get("reason"):
        say(f"The start of {spec.id} was accepted, but it is not running: {assignment['reason']}")
    return Ensured(read_deployment.fn(settings, spec.id) or _planned(assignment), "created")


def _update(settings: ElasticSettings, spec: DeploymentSpec, there: DeploymentState) -> None:
    if spec.adaptive is not None:
        wanted: dict[str, Any] = {"adaptive_allocations": spec.adaptive.body()}
    else:
        wanted = {"number_of_allocations": spec.allocations}
        if there.adaptive is not None:
            wanted["adaptive_allocations"] = {"enabled": False}
    try:
        with calling(f"set the allocations of {spec.id} to {spec.least_allocations}"):
            connect(settings).ml.update_trained_model_deployment(model_id=spec.id, **wanted)
    except ServiceUnwell as error:
        if error.status == 429 and error.type == "status_exception":
            raise NoCapacity(spec, said=error.said) from error
        raise


def _is_scaled(spec: DeploymentSpec, there: DeploymentState) -> bool:
    if spec.adaptive is not None:
        return there.adaptive == spec.adaptive
    return there.allocations == spec.allocations and there.adaptive is None


def _refuse_difference(spec: DeploymentSpec, there: DeploymentState) -> None:
    wanted: dict[str, Any] = {
        "model_id": spec.model_id,
        "threads": spec.threads,
        "queue_capacity": spec.queue_capacity,
        "cache_size": spec.cache_size,
        "priority": spec.priority,
    }
    for field, value in wanted.items():
        present = getattr(there, field)
        if value is not None and present != value:
            raise CannotChangeInPlace(
                "deployment", spec.id, field=field, there=present, wanted=value,
                remedy="Choose another id, or stop this deployment first.",
            )  # fmt: skip


def _wait_until_started(
    settings: ElasticSettings, deployment_id: str, allocations: int, deadline: Deadline
) -> DeploymentState:
    def look() -> Look[DeploymentState]:
        there = read_deployment.fn(settings, deployment_id)
        if there is None:
            return Look("does not exist yet")
        if there.state in ("failed", "stopping"):
            raise DeploymentFailed(deployment_id, state=there.state, reason=there.reason)
        seen = f"{there.state}, {there.allocated} of {allocations} allocations"
        if there.state == "started" and there.allocated >= allocations:
            return Look(seen, value=there, done=True)
        return Look(f"{seen}: {there.reason}" if there.reason else seen)

    return wait_until(
        f"start deployment {deployment_id}",
        look,
        deadline,
        remedy="If there is no room for it, stop it and request fewer allocations or threads; "
        f"`{PROGRAM} elastic check` lists what fits.",
    )


def _wait_until_gone(settings: ElasticSettings, deployment_id: str, deadline: Deadline) -> None:
    def look() -> Look[bool]:
        there = read_deployment.fn(settings, deployment_id)
        return Look("gone", value=True, done=True) if there is None else Look(there.state)

    wait_until(f"stop deployment {deployment_id}", look, deadline)


def _planned(assignment: dict[str, Any]) -> DeploymentState:
    """A deployment that the statistics do not show yet, from the answer to its start."""
    parameters: dict[str, Any] = assignment["task_parameters"]
    return _deployment_state(
        {**parameters, "state": assignment["assignment_state"], "reason": assignment.get("reason", "")}
    )


def _deployment_state(stats: dict[str, Any]) -> DeploymentState:
    nodes: list[dict[str, Any]] = stats.get("nodes") or []
    inferences, milliseconds = _inferences(nodes)
    routing = (n.get("routing_state", {}).get("reason", "") for n in nodes)
    status: dict[str, Any] = stats.get("allocation_status") or {}
    return DeploymentState(
        id=stats["deployment_id"],
        model_id=stats["model_id"],
        state=stats.get("state", "starting"),
        reason=stats.get("reason") or "; ".join(filter(None, routing)),
        allocations=stats.get("number_of_allocations", 0),
        allocated=status.get("allocation_count", 0),
        threads=stats.get("threads_per_allocation", 1),
        queue_capacity=stats.get("queue_capacity", 0),
        cache_size=str(stats.get("cache_size", "")),
        priority=stats.get("priority", "normal"),
        adaptive=_adaptive(stats.get("adaptive_allocations") or {}),
        nodes=len(nodes),
        inferences=stats.get("inference_count", inferences),
        rejected=stats.get("rejected_execution_count", 0),
        timeouts=stats.get("timeout_count", 0),
        errors=stats.get("error_count", 0),
        pending=sum(n.get("number_of_pending_requests", 0) for n in nodes),
        milliseconds=milliseconds,
    )


def _inferences(nodes: list[dict[str, Any]]) -> tuple[int, float | None]:
    """How many there were on all nodes, and their average time in milliseconds; None before the first."""
    used = [n for n in nodes if n.get("inference_count")]
    inferences = sum(n["inference_count"] for n in used)
    busy = sum(n["inference_count"] * _milliseconds(n) for n in used)
    return inferences, busy / inferences if inferences else None


def _milliseconds(node: dict[str, Any]) -> float:
    average = node.get("average_inference_time_ms", 0.0)
    return node.get("average_inference_time_ms_excluding_cache_hits", average)


def _adaptive(stats: dict[str, Any]) -> AdaptiveAllocations | None:
    if not stats.get("enabled"):
        return None
    least, most = stats.get("min_number_of_allocations"), stats.get("max_number_of_allocations")
    # Not validated: what somebody else started may go beyond what we ask for, such as Kibana's 99,999.
    return AdaptiveAllocations.model_construct(
        min=1 if least is None else least, max=32 if most is None else most
    )
