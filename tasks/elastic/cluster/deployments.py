"""Deployments of models: started, waited for, scaled, stopped. Known by the ids that we choose, never by their position.

A start that is answered with 200 need not have started: while the cluster could still grow, it answers `starting` with a
reason and no node. A deployment that exists is never started again, whoever started it.
"""

from __future__ import annotations

from typing import Any

from tasks.calls import NotFound, ServiceUnwell
from tasks.elastic.cluster.byte_sizes import is_shown_as
from tasks.elastic.cluster.capacity import Setting
from tasks.elastic.cluster.deployment_states import DeploymentState, deployment_state, read_deployment
from tasks.elastic.cluster.deployment_waits import StartedAgain, wait_until_gone, wait_until_started
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, Conflict, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import DeploymentSpec
from tasks.errors import CannotChangeInPlace, PermanentError
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

START_SECONDS = 30
"""`wait_for=starting` answers as soon as the deployment is planned."""


class NoCapacity(PermanentError):
    """The cluster has no room for a deployment and cannot grow. Nothing of it remains."""

    def __init__(self, spec: DeploymentSpec, *, said: str) -> None:
        self.spec, self.said = spec, said
        super().__init__(
            f"The deployment {spec.id!r} ({Setting(spec.allocations, spec.threads)}) does not fit: {said} "
            "Request fewer allocations or threads, stop another deployment, or use larger or more ML nodes."
        )


@step("look at deployment {spec.id} before it is changed")
def read_deployment_to_change(settings: ElasticSettings, spec: DeploymentSpec) -> DeploymentState | None:
    """The deployment of this id, if there is one that stays, seen to differ in nothing but its allocations.

    One that is being stopped does not stay, and neither does one that has failed: it is stopped and started again.

    Raises:
        CannotChangeInPlace: it exists with another model, threads, queue, cache or priority.
    """
    there = read_deployment.fn(settings, spec.id)
    if there is None or there.state == "stopping":
        return None
    _refuse_difference(spec, there)
    return None if there.has_failed else there


@step("ensure deployment {spec.id}")
def ensure_deployment(
    settings: ElasticSettings, spec: DeploymentSpec, deadline: Deadline, *, may_grow: bool = False
) -> Ensured[DeploymentState]:
    """The deployment of this specification, started unless it exists; a different number of allocations is set in place.

    One that has failed on every node answers nobody, and Elasticsearch does not try again: it is stopped and started again.

    Args:
        settings: the target.
        spec: what is wanted.
        deadline: bounds the wait for an earlier start or stop to end, where one stands in the way.
        may_grow: the cluster adds machine-learning nodes by itself, so that this wait includes one for room.

    Raises:
        DeploymentFailed, DeploymentStopped, NoRoom: an earlier start, whose end stands in the way, does not end well.
        CannotChangeInPlace: it exists with another model, threads, queue, cache or priority.
        StartedAgain: it had failed, and somebody else started it again at the same moment.
        NoCapacity: the nodes cannot hold it. Nothing of it remains.
        BadRequest, NotFound: the model does not exist, or a parameter is wrong.
    """
    there = read_deployment.fn(settings, spec.id)
    if there is not None and there.state == "stopping":
        there = wait_until_gone(settings, there, deadline)
    if there is None:
        return _start(settings, spec)
    _refuse_difference(spec, there)
    if there.has_failed:
        say(
            f"The deployment {spec.id} has failed on every node ({there.reason}). It is stopped and started again."
        )
        # By force: a pipeline that names it gets no answer anyway.
        remove_deployment.fn(settings, spec.id, deadline, force=True)
        return _start(settings, spec)
    if _is_scaled(spec, there):
        return Ensured(there)
    if there.state == "starting":
        there = wait_until_started(settings, spec.id, 1, deadline, may_grow=may_grow)
    _update(settings, spec, there)
    return Ensured(read_deployment.fn(settings, spec.id) or there, "changed")


@step("wait for deployment {spec.id}")
def wait_for_deployment(
    settings: ElasticSettings, spec: DeploymentSpec, deadline: Deadline, *, may_grow: bool = False
) -> DeploymentState:
    """The deployment, once it is started with all requested allocations.

    Args:
        settings: the target.
        spec: what was requested.
        deadline: when to give up.
        may_grow: the cluster adds machine-learning nodes by itself, so that a deployment without room is waited for.

    Raises:
        DeploymentFailed: it failed, or is being stopped.
        DeploymentStopped: somebody stopped it.
        NoRoom: the cluster has no room for all of its allocations, and that does not change.
        DeadlinePassed: with the reason that the cluster gives for what is missing.
    """
    return wait_until_started(settings, spec.id, spec.least_allocations, deadline, may_grow=may_grow)


@step("wait until deployment {deployment_id} answers")
def wait_for_allocation(
    settings: ElasticSettings, deployment_id: str, deadline: Deadline, *, may_grow: bool = False
) -> None:
    """Wait until a deployment that is there, whoever started it, has one allocation: after a cluster's restart it has none.

    One that scales to zero is not waited for: the first text that is asked wakes it.

    Raises:
        DeploymentFailed, DeploymentStopped, NoRoom, DeadlinePassed: as `wait_for_deployment`.
    """
    there = read_deployment.fn(settings, deployment_id)
    sleeps = there is not None and there.adaptive is not None and there.adaptive.min == 0
    if there is None or not (there.allocated or sleeps):
        wait_until_started(settings, deployment_id, 1, deadline, may_grow=may_grow)


@step("remove deployment {deployment_id}")
def remove_deployment(
    settings: ElasticSettings, deployment_id: str, deadline: Deadline, *, force: bool = False
) -> tuple[str, ...]:
    """Stop a deployment and wait until it is gone. Returns its id, or nothing if it did not exist.

    Raises:
        Conflict: an ingest pipeline names it; `force` stops it all the same.
        StartedAgain: somebody started it again.
    """
    there = read_deployment.fn(settings, deployment_id)
    if there is None:
        return ()
    try:
        with calling(f"stop the deployment {deployment_id}"):
            connect(settings).ml.stop_trained_model_deployment(model_id=deployment_id, force=force)
    except NotFound:
        return (deployment_id,)
    if wait_until_gone(settings, there, deadline) is not None:
        raise StartedAgain(deployment_id)
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
        is_same = is_shown_as(value, present) if field == "cache_size" and value else present == value
        if value is not None and not is_same:
            raise CannotChangeInPlace(
                "deployment", spec.id, field=field, there=present, wanted=value,
                remedy="Choose another id, or stop this deployment first.",
            )  # fmt: skip


def _planned(assignment: dict[str, Any]) -> DeploymentState:
    """A deployment that the statistics do not show yet, from the answer to its start."""
    parameters: dict[str, Any] = assignment["task_parameters"]
    return deployment_state(
        {**parameters, "state": assignment["assignment_state"], "reason": assignment.get("reason", "")}
    )
