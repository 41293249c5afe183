"""Waits for deployments of models: until one is started, and until one is gone.

The service reports no end for most of what can go wrong: a deployment that was stopped, that has no room or that crashed on
its nodes stays as it is. So these waits end as soon as what they see cannot become what they wait for.
"""

from __future__ import annotations

from tasks.elastic.cluster.deployment_states import DeploymentState, read_deployment
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.waiting import Deadline, Look, Unchanged, wait_until

ABSENT_SECONDS = 5.0
"""Until a deployment that was never seen counts as stopped: the statistics of another node may show it a moment after its start was
accepted."""
NO_ROOM_SECONDS = 60.0
"""Without a change, before a deployment that has no room is given up. The room of one that was stopped is free only when its
process has ended and the cluster has planned again."""


class DeploymentFailed(PermanentError):
    """A deployment failed, or is being stopped by somebody."""

    def __init__(self, id_: str, *, state: str, reason: str) -> None:
        self.id, self.state, self.reason = id_, state, reason
        super().__init__(
            f"The deployment {id_!r} is {state}: {reason or 'the cluster gives no reason'}. If `elastic deploy`, `elastic tour` or "
            "`elastic endpoint-ensure` has started it, run that again. Stop any other one, unless it is stopping already "
            f"({_stop(id_)}), and start it again."
        )


class DeploymentStopped(PermanentError):
    """Somebody stopped a deployment while we waited until it was started."""

    def __init__(self, id_: str, *, last_seen: str) -> None:
        self.id, self.last_seen = id_, last_seen
        super().__init__(
            f"The deployment {id_!r} does not exist any more; last seen: {last_seen}. Its start was accepted, so somebody stopped it, or "
            "deleted its model. Run the same command again to start it."
        )


class NoRoom(PermanentError):
    """A deployment has no room, or not for all of its allocations, and nothing changes about that."""

    def __init__(self, id_: str, *, seen: str, reason: str, seconds: float) -> None:
        self.id, self.seen, self.reason, self.seconds = id_, seen, reason, seconds
        super().__init__(
            f"The deployment {id_!r} has no room for all of its allocations: {seen}, unchanged for {seconds:.0f} s. The cluster "
            f"says: {reason}. Stop another deployment, or use larger or more ML nodes, then run the same command again. Where the "
            "cluster adds nodes by itself, `elastic deploy` and `elastic embed` wait for them with --may-grow. To request fewer "
            f"allocations or threads, stop this deployment first ({_stop(id_)})."
        )


class StartedAgain(PermanentError):
    """Somebody started a deployment that we had stopped."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        super().__init__(
            f"The deployment {id_!r} was stopped, but somebody started it again in the meantime. Find out who uses it, "
            "then run the same command again to stop it."
        )


def wait_until_started(
    settings: ElasticSettings, deployment_id: str, allocations: int, deadline: Deadline, *, may_grow: bool
) -> DeploymentState:
    """A deployment whose start was accepted, once this many of its allocations are started.

    Args:
        settings: the target.
        deployment_id: the deployment.
        allocations: how many are enough.
        deadline: when to give up.
        may_grow: the cluster adds nodes by itself, so that a deployment without room is waited for.

    Raises:
        DeploymentFailed: it failed, on all of its nodes perhaps, or is being stopped.
        DeploymentStopped: it does not exist any more.
        NoRoom: allocations are missing, with a reason, and nothing has changed for a minute.
        DeadlinePassed: with the reason that the cluster gives for what is missing.
    """
    last_seen, absent, unchanged = "nothing yet", Unchanged(), Unchanged()

    def look() -> Look[DeploymentState]:
        nonlocal last_seen
        there = read_deployment.fn(settings, deployment_id)
        if there is None:
            if last_seen != "nothing yet" or absent.seconds(None) >= ABSENT_SECONDS:
                raise DeploymentStopped(deployment_id, last_seen=last_seen)
            return Look("does not exist yet")
        if there.has_failed or there.state == "stopping":
            state = "failed" if there.has_failed else there.state
            raise DeploymentFailed(deployment_id, state=state, reason=there.reason)
        last_seen = f"{there.state}, {there.allocated} of {allocations} allocations"
        if there.state == "started" and there.allocated >= allocations:
            return Look(last_seen, value=there, done=True)
        if not there.reason:
            return Look(last_seen)
        still = unchanged.seconds((there.nodes, last_seen, there.reason))
        if still >= NO_ROOM_SECONDS and not may_grow:
            raise NoRoom(deployment_id, seen=last_seen, reason=there.reason, seconds=still)
        return Look(f"{last_seen}: {there.reason}")

    return wait_until(
        f"start deployment {deployment_id}",
        look,
        deadline,
        remedy="It stays as it is, and the same command follows it again. To request fewer allocations or threads, stop it first "
        f"({_stop(deployment_id)}).",
    )


def wait_until_gone(
    settings: ElasticSettings, there: DeploymentState, deadline: Deadline
) -> DeploymentState | None:
    """Wait until a deployment that is being stopped is gone.

    Args:
        settings: the target.
        there: the deployment as it was before it was stopped.
        deadline: when to give up.

    Returns:
        None; or the deployment that somebody has started under the same id in the meantime.
    """

    def look() -> Look[DeploymentState]:
        now = read_deployment.fn(settings, there.id)
        if now is None:
            return Look("gone", done=True)
        if now.start_time != there.start_time:
            return Look("started again by somebody", value=now, done=True)
        return Look(now.state)

    return wait_until(f"stop deployment {there.id}", look, deadline)


def _stop(deployment_id: str) -> str:
    return f"POST _ml/trained_models/{deployment_id}/deployment/_stop"
