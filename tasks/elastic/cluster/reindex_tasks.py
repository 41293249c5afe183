"""Reindex and update-by-query as tasks of the cluster: found again by our `X-Opaque-Id`, followed, throttled, cancelled.

`completed` only means that a task ended; failures, counts, conflicts and `canceled` show how. A task can vanish with its node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tasks.calls import NotFound, ServiceRefused
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.serverless import is_serverless
from tasks.elastic.cluster.throttle import UNLIMITED, Throttle
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import DISK_BLOCK, TRANSIENT_STATUSES, calling, reason_of
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.interruption import RemoteWork, WhenInterrupted, interruptible
from tasks.measures.pace import Pace
from tasks.progress import say
from tasks.waiting import Deadline, Look, Unchanged, wait_until

ACTIONS = "*reindex,*byquery"
OPAQUE_PREFIX = "vector-search-ops-"
"""How the `X-Opaque-Id` of every task of ours begins."""
STUCK_SECONDS = 300.0
"""A cancelled task ends after the batch that it is in, and a batch of ours is planned to take a minute."""
_GONE = ("resource_not_found_exception", "no_such_node_exception", "node_not_connected_exception")
"""Why a task is not cancelled that has ended, or that was lost with its node."""
_COUNTS = ("created", "updated", "noops", "version_conflicts")


@dataclass(frozen=True)
class Failure:
    """A document that a task could not store."""

    id: str
    """Empty where a search of the task failed, which is no document's fault."""
    type: str
    reason: str
    status: int
    """The HTTP status for this one document; 0 if the task did not report it."""

    @property
    def passes(self) -> bool:
        """Whether the document may be accepted if it is sent again: the index had no room or no shard for it just now."""
        return self.status in TRANSIENT_STATUSES

    @property
    def is_disk_block(self) -> bool:
        """Whether the disk of a node is almost full: only space helps."""
        return (self.status, self.type) == DISK_BLOCK

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.id, self.type, self.reason)))


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """A task as it was last read."""

    id: str
    completed: bool
    total: int
    """0 until its first search has returned."""
    done: int
    """Created, updated, left unchanged, or already there."""
    batches: int
    conflicts: int
    retries: int
    """Documents that were sent to the index again after a 429."""
    requests_per_second: float
    """For the whole task; -1 for no limit."""
    canceled: str
    """Why it ended early; empty when it did not."""
    cancelled: bool = False
    """Whether it was asked to end, also while it still runs."""
    seconds: float = 0.0
    """Since it began."""
    failures: tuple[Failure, ...] = field(repr=False)
    error: str
    lost: bool = False
    """The cluster no longer knows it: it ended unseen, or was lost with its node."""

    @classmethod
    def gone(cls, id_: str) -> Self:
        """A task that the cluster no longer knows."""
        return cls(
            id=id_, completed=True, total=0, done=0, batches=0, conflicts=0, retries=0,
            requests_per_second=UNLIMITED, canceled="", failures=(), error="", lost=True,
        )  # fmt: skip

    @classmethod
    def of(cls, id_: str, found: dict[str, Any], slices: Sequence[dict[str, Any]]) -> Self:
        """A task from the answer of the API, and the status of those of its slices that still run."""
        status: dict[str, Any] = found["task"].get("status") or {}
        response: dict[str, Any] = found.get("response") or {}
        counted = response or status
        return cls(
            id=id_,
            completed=found["completed"],
            total=_sum("total", counted, slices),
            done=sum(_sum(name, counted, slices) for name in _COUNTS),
            batches=_sum("batches", counted, slices),
            conflicts=counted.get("version_conflicts", 0),
            retries=sum((counted.get("retries") or {}).values()),
            requests_per_second=_rate(slices or [counted]),
            canceled=str(response.get("canceled") or status.get("canceled") or ""),
            failures=tuple(map(_failure, response.get("failures") or ())),
            error=": ".join(reason_of(found["error"])) if "error" in found else "",
            cancelled=bool(found["task"].get("cancelled")),
            seconds=found["task"].get("running_time_in_nanos", 0) / 1e9,
        )


class TaskCancelled(PermanentError):
    """Somebody cancelled a task of ours."""

    def __init__(self, what: str, *, task: str, why: str) -> None:
        self.what, self.task, self.why = what, task, why
        super().__init__(
            f"{what} was cancelled ({task}, {why}). What was done is kept: run the same command again to continue."
        )


class TaskFailed(PermanentError):
    """A task ended with an error of its own, not of single documents."""

    def __init__(self, what: str, *, task: str, error: str) -> None:
        self.what, self.task, self.error = what, task, error
        super().__init__(
            f"{what} failed ({task}): {error}. What was done is kept: run the same command again to continue."
        )


class TaskStuck(PermanentError):
    """A task was cancelled, but does not end."""

    def __init__(self, what: str, *, task: str, seen: str, seconds: float) -> None:
        self.what, self.task, self.seen, self.seconds = what, task, seen, seconds
        node = task.partition(":")[0]
        super().__init__(
            f"{what}: the task {task} was cancelled, but it still runs and has made no progress for {seconds:.0f} s ({seen}). "
            f"`GET _tasks/{task}?detailed` and `GET _nodes/{node}/hot_threads` show what it waits for. If it does not end, restart "
            "that node, which ends its tasks. Then run the same command again to continue."
        )


class TaskNotCancelled(PermanentError):
    """The cluster cannot cancel a task."""

    def __init__(self, task: str, *, said: str) -> None:
        self.task, self.said = task, said
        super().__init__(
            f"The task {task} cannot be cancelled: {said}. Wait until it has ended (`GET _tasks/{task}`), or restart its node; then "
            "run the same command again."
        )


class _Cancelled:
    """Notices a task that does not end although it was cancelled."""

    def __init__(self, what: str) -> None:
        self._what, self._unchanged = what, Unchanged()

    def see(self, task: TaskState) -> None:
        """Take note of the task.

        Raises:
            TaskStuck: nothing about it has changed for too long.
        """
        seconds = self._unchanged.seconds((task.cancelled, task.done, task.batches))
        if task.cancelled and seconds >= STUCK_SECONDS:
            raise TaskStuck(self._what, task=task.id, seen=_progress(task), seconds=seconds)


def end_tasks(settings: ElasticSettings, index: str, deadline: Deadline) -> tuple[str, ...]:
    """Cancel our tasks that write into an index and wait until they have ended. Returns which there were.

    A reindex into a deleted index would create it again, without its mapping, so this comes first.

    Raises:
        TaskNotCancelled: the cluster cannot cancel one.
        TaskStuck: one does not end although it was cancelled.
    """
    ours = [
        id_ for id_, task in _parents(settings)
        if _opaque_id(task).startswith(OPAQUE_PREFIX) and f"[{index}]" in str(task.get("description"))
    ]  # fmt: skip
    for id_ in ours:
        cancel(settings, id_)
        cancelled = _Cancelled(f"End what writes into {index}")

        def look(id_: str = id_, cancelled: _Cancelled = cancelled) -> Look[bool]:
            task = read_task(settings, id_)
            if task.completed:
                return Look("ended", value=True, done=True)
            cancelled.see(task)
            return Look(_progress(task))

        wait_until(f"end the task {id_}", look, deadline)
    return tuple(ours)


def find_task(settings: ElasticSettings, opaque_ids: Iterable[str]) -> str | None:
    """The running parent task with one of these ids, or None."""
    wanted = set(opaque_ids)
    return next((id_ for id_, task in _parents(settings) if _opaque_id(task) in wanted), None)


def read_task(settings: ElasticSettings, task_id: str) -> TaskState:
    """A task as it is now; one that the cluster does not know is lost."""
    try:
        with calling(f"read the task {task_id}"):
            found: dict[str, Any] = connect(settings).tasks.get(task_id=task_id).body
    except NotFound:
        return TaskState.gone(task_id)
    is_sliced = bool((found["task"].get("status") or {}).get("slices")) and not is_serverless(settings)
    slices = _slices(settings, task_id) if is_sliced and not found["completed"] else []
    return TaskState.of(task_id, found, slices)


@dataclass(frozen=True, kw_only=True)
class Following:
    """How to follow a task, and how to throttle it."""

    what: str
    """In plain words: `embed movies`."""
    deployment_id: str
    """Whose rejections slow it down."""
    speed: float
    """Documents per second that the deployment was measured to embed."""
    rejected: int
    """Texts that the deployment had rejected before the task began, as `rejections` counts them."""
    when_interrupted: WhenInterrupted = "leave-running"
    pace: Pace | None = None
    """Takes note of how fast documents go; None where nobody looks at it."""


def follow(settings: ElasticSettings, task_id: str, how: Following, deadline: Deadline) -> TaskState:
    """Look at a task until it has ended, slowing it down while the model rejects texts.

    Returns:
        Its last state: completed, with failures of single documents perhaps, or lost.

    Raises:
        TaskCancelled: somebody cancelled it.
        TaskFailed: it ended with an error of its own.
        TaskStuck: somebody cancelled it, and it does not end.
        DeadlinePassed: it keeps running; the same command follows it again.
    """
    throttle: Throttle | None = None
    cancelled = _Cancelled(how.what)

    def look() -> Look[TaskState]:
        nonlocal throttle
        task = read_task(settings, task_id)
        if task.completed:
            _note(how, task, rejections(settings, how.deployment_id) if how.pace and not task.lost else 0)
            return Look("lost" if task.lost else _progress(task), value=task, done=True)
        cancelled.see(task)
        throttle = throttle or Throttle(how.speed, rejected=how.rejected, now=task.requests_per_second)
        rejected = rejections(settings, how.deployment_id)
        _note(how, task, rejected)
        _feed_back(settings, task, how, throttle, rejected)
        fraction = task.done / task.total if task.total else None
        return Look(_progress(task), fraction=fraction)

    work = RemoteWork(
        what=how.what, id=task_id, where="in the cluster", cancel=lambda: cancel(settings, task_id)
    )  # fmt: skip
    with interruptible(work, how.when_interrupted):
        task = wait_until(how.what, look, deadline)
    if task.canceled:
        raise TaskCancelled(how.what, task=task_id, why=task.canceled)
    if task.error:
        raise TaskFailed(how.what, task=task_id, error=task.error)
    return task


def rejections(settings: ElasticSettings, deployment_id: str) -> int:
    """Texts that found the queue of a deployment full, so far."""
    there = read_deployment.fn(settings, deployment_id)
    return there.rejected if there else 0


def cancel(settings: ElasticSettings, task_id: str) -> None:
    """Ask the cluster to cancel a task. One that has ended, or was lost with its node, is ignored.

    Raises:
        TaskNotCancelled: the cluster refuses, which it says in an answer with status 200.
    """
    try:
        with calling(f"cancel the task {task_id}"):
            answer: dict[str, Any] = connect(settings).tasks.cancel(task_id=task_id).body
    except NotFound:
        return
    if said := refusal_of(answer):
        raise TaskNotCancelled(task_id, said=said)


def refusal_of(answer: dict[str, Any]) -> str:
    """Why the cluster did not cancel a task, from its answer; empty if it did, or if the task or its node is gone."""
    failures: list[dict[str, Any]] = [*answer.get("node_failures", ()), *answer.get("task_failures", ())]
    causes: list[dict[str, Any]] = [f.get("caused_by") or f.get("reason") or f for f in failures]
    return "; ".join(": ".join(reason_of(c)) for c in causes if c.get("type") not in _GONE)


def _parents(settings: ElasticSettings) -> list[tuple[str, dict[str, Any]]]:
    """The running tasks of all kinds that move documents, without their slices; of a serverless project none is known."""
    if is_serverless(settings):
        say(
            "A serverless project does not list its tasks. If a reindex of an earlier run still goes on, what both write is embedded twice, "
            "and an index that is deleted meanwhile comes again."
        )
        return []
    with calling("list the running reindex tasks"):
        found = connect(settings).tasks.list(actions=ACTIONS, detailed=True)
    tasks = [entry for node in found["nodes"].values() for entry in node["tasks"].items()]
    return [(id_, task) for id_, task in tasks if "parent_task_id" not in task]


def _opaque_id(task: dict[str, Any]) -> str:
    return str((task.get("headers") or {}).get("X-Opaque-Id", ""))


def _note(how: Following, task: TaskState, rejected: int) -> None:
    if how.pace is None or task.lost:
        return
    per_second = task.requests_per_second
    how.pace.see(
        task.id,
        task.done,
        running=task.seconds,
        rejected=max(0, rejected - how.rejected),
        limit=None if per_second == UNLIMITED else per_second,
    )


def _feed_back(
    settings: ElasticSettings, task: TaskState, how: Following, throttle: Throttle, rejected: int
) -> None:
    per_second = throttle.see(rejected, task.batches)
    if per_second is None or is_serverless(settings):  # which does not let a task be throttled
        return
    try:
        with calling(f"throttle the task {task.id}"):
            connect(settings).reindex_rethrottle(task_id=task.id, requests_per_second=per_second)
    except ServiceRefused as error:
        if error.status == 403:
            say(
                f"{how.what}: the task may not be throttled (cluster privilege manage), so the model rejects more texts."
            )
        return  # otherwise it has ended in the meantime
    if per_second == UNLIMITED:
        say(f"{how.what}: the queue keeps up, the throttle is off.")
    else:
        say(
            f"{how.what}: {rejected - how.rejected:,} texts rejected, now {per_second:.1f} documents per second."
        )


def _progress(task: TaskState) -> str:
    seen = f"{task.done:,} of {task.total:,} documents"
    if task.requests_per_second != UNLIMITED:
        seen += f", throttled to {task.requests_per_second:.1f} per second"
    if task.failures:
        seen += f", {len(task.failures)} failed"
    return seen


def _slices(settings: ElasticSettings, task_id: str) -> list[dict[str, Any]]:
    """The status of the slices that still run: a sliced task counts only those that have ended."""
    with calling(f"read the slices of {task_id}"):
        found = connect(settings).tasks.list(actions=ACTIONS, parent_task_id=task_id, detailed=True)
    tasks = (task for node in found["nodes"].values() for task in node["tasks"].values())
    return [task.get("status") or {} for task in tasks if task.get("parent_task_id") == task_id]


def _sum(name: str, counted: dict[str, Any], slices: Sequence[dict[str, Any]]) -> int:
    return sum(status.get(name) or 0 for status in (counted, *slices))


def _rate(parts: Sequence[dict[str, Any]]) -> float:
    """The rate of all parts together. A sliced task reports 0 until its first slice has ended, a slice until it starts."""
    rates: list[float] = [status.get("requests_per_second") or 0.0 for status in parts]
    return sum(rates) if min(rates) >= 0 < sum(rates) else UNLIMITED


def _failure(raw: dict[str, Any]) -> Failure:
    kind, reason = reason_of(raw.get("cause") or raw.get("reason") or raw)
    return Failure(str(raw.get("id", "")), kind, reason, raw.get("status", 0))
