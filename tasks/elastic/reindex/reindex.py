"""Reindex through the inference pipeline, also after a crashed run. No journal: the index shows what is missing.

First attempt: everything through the pipeline. Found half done, with no task of ours running: missing documents are copied
**without** the pipeline (`op_type: create`), since inference is paid for before a conflict is found; `repair` embeds
them then. Embeddings in the source are not copied: they would count as ours, and may come from another model.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal, Self

from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import count, index_of_ours, refresh
from tasks.elastic.indices.pipelines import FAILURE_FIELD
from tasks.elastic.reindex.batch_plans import MOST_DOCUMENTS, BatchPlan, ReindexSpec
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.interruption import WhenInterrupted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

Kind = Literal["embed", "fill"]
MOST_FAILURES = 1000
"""More refused documents than this are a problem of the whole index."""
_SHOWN = 3
_PAUSE_SECONDS = 5.0
"""Before documents that an index rejected for now are sent again: the task has already tried them for a minute."""


@dataclass(frozen=True, kw_only=True)
class Reindexed:
    """What a reindex did."""

    documents: int
    """In the new index now."""
    wanted: int
    """In the source when the reindex started, including those written since it was read."""
    adopted: tuple[str, ...]
    """Tasks of an earlier run that were followed."""
    started: tuple[str, ...]
    """Tasks that were started."""
    refused: tuple[Failure, ...]
    """Documents that the new index will never accept. Those that it has no room for just now are not included."""
    unchanged: bool = False
    """All was already there and marked."""

    @classmethod
    def found(cls, documents: int) -> Self:
        """Nothing was done: all of them were already there and marked."""
        return cls(documents=documents, wanted=documents, adopted=(), started=(), refused=(), unchanged=True)


class ReindexFailed(PermanentError):
    """Not all documents reach the new index."""

    def __init__(self, spec: ReindexSpec, *, there: int, wanted: int, failures: tuple[Failure, ...]) -> None:
        self.spec, self.there, self.wanted, self.failures = spec, there, wanted, failures
        said = "; ".join(map(str, failures[:_SHOWN]))
        super().__init__(
            f"Only {there:,} of {wanted:,} documents of {spec.source!r} reached {spec.dest!r}. "
            + (
                f"{len(failures):,} were refused, the first: {said}."
                if failures
                else "Elasticsearch gave no reason."
            )
        )


@step("embed {spec.source} into {spec.dest}")
def apply_reindex(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Reindexed:
    """Copy every document of the source into the new index, embedded as far as one pass gets.

    A task that an earlier run started is followed, not started again. An index that carries the mark of its content is left alone.

    Returns:
        What was done. Documents may still lack their embedding: `apply_repair` comes next.

    Raises:
        ReindexFailed: documents are missing, and trying again does not help.
        TaskCancelled, TaskFailed: the task did not finish; the same command continues.
        DiskFull: the disk of a node is almost full.
        DeadlinePassed: the task keeps running; the same command follows it. Or the index has no room for documents just now.
    """
    if index_of_ours(settings, spec.dest).content:
        return Reindexed.found(count(settings, spec.dest))
    passes = Passes(
        settings=settings, spec=spec, plan=plan, deadline=deadline, when_interrupted=when_interrupted
    )
    reindex = _Reindex(passes)
    while (task := reindex.running() or reindex.next()) is not None:
        reindex.follow(task)
    return reindex.done()


class _Reindex:
    """Tasks from the source into the new index, one after the other, until every document is there or refused."""

    def __init__(self, passes: Passes) -> None:
        self._passes, self._settings, self._spec = passes, passes.settings, passes.spec
        refresh(self._settings, self._spec.source)
        self._wanted = count(self._settings, self._spec.source)
        self._there = self._rejected = 0
        self._adopted, self._started = list[str](), list[str]()
        self._refused: dict[str, Failure] = {}
        self._stuck_at: int | None = None
        """Documents before the last fill. If there are no more after it, another attempt does not help."""

    def running(self) -> str | None:
        """The task that an earlier run started, if it is still running."""
        self._rejected = self._passes.rejected()
        task_id = self._passes.running("embed", "fill")
        if task_id is not None:
            say(f"An earlier run is still embedding {self._spec.source}. Following {task_id}.")
            self._adopted.append(task_id)
        return task_id

    def next(self) -> str | None:
        """Start the task that brings what is missing; None if nothing is.

        Raises:
            ReindexFailed: something is, and another task would not bring it.
        """
        refresh(self._settings, self._spec.dest)
        self._there = count(self._settings, self._spec.dest)
        if self._there >= self._wanted - len(self._refused):
            return None
        if self._there == self._stuck_at or len(self._refused) > MOST_FAILURES:
            failures = tuple(self._refused.values())
            raise ReindexFailed(self._spec, there=self._there, wanted=self._wanted, failures=failures)
        kind: Kind = "fill" if self._there or self._started else "embed"
        self._stuck_at = self._there if kind == "fill" else None
        task_id = start(self._settings, self._spec, self._passes.plan, kind, leave_out=self._refused)
        self._started.append(task_id)
        return task_id

    def follow(self, task_id: str) -> None:
        """Follow a task to its end, and note the documents that it could not store."""
        spec = self._spec
        task = self._passes.follow(task_id, f"embed {spec.source} into {spec.dest}", self._rejected)
        if task.lost:
            say(f"The task {task_id} is gone. Reading from {spec.dest} what is missing.")
        refused = {failure.id: failure for failure in task.failures if failure.id and not failure.passes}
        turned_away = [failure for failure in task.failures if failure.passes]
        if turned_away or refused.keys() - self._refused.keys():
            self._stuck_at = None  # the next attempt leaves the refused ones out, or finds room
        self._refused |= refused
        if turned_away:
            wait_for_room(spec, turned_away, self._passes.deadline)

    def done(self) -> Reindexed:
        """What all of it did."""
        return Reindexed(
            documents=self._there,
            # More than were counted: written between the count and the first search of the reindex.
            wanted=max(self._wanted, self._there + len(self._refused)),
            adopted=tuple(self._adopted),
            started=tuple(self._started),
            refused=tuple(self._refused.values()),
        )


def wait_for_room(spec: ReindexSpec, turned_away: list[Failure], deadline: Deadline) -> None:
    """A pause before documents are sent again.

    Raises:
        DeadlinePassed: there is no time for that; with the first reason.
    """
    seen = f"{len(turned_away):,} rejected for now, the first: {turned_away[0]}"
    say(f"{spec.dest} may accept them later: {seen}.")
    again = time.time() + _PAUSE_SECONDS

    def look() -> Look[bool]:
        return Look(seen, value=True, done=time.time() >= again)

    wait_until(f"send them to {spec.dest} again", look, deadline)


def start(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    kind: Kind,
    *,
    leave_out: dict[str, Failure],
) -> str:
    """Start a reindex and return its task. The client never retries it: after a lost reply there would be two."""
    ours = [FAILURE_FIELD, *(field.output for field in spec.fields)]
    source: dict[str, Any] = {"index": spec.source, "_source": {"excludes": ours}}
    dest: dict[str, Any] = {"index": spec.dest, "op_type": "create"}
    if leave_out:
        source["query"] = {"bool": {"must_not": [{"ids": {"values": sorted(leave_out)}}]}}
    if kind == "embed":
        source["size"], dest["pipeline"] = plan.size, spec.pipeline
    else:
        source["size"] = MOST_DOCUMENTS
    client = connect(settings).options(opaque_id=spec.opaque_id(kind))
    with calling(f"start to {kind} {spec.dest}"):
        answer = client.reindex(
            source=source,
            dest=dest,
            conflicts="proceed",
            slices=plan.slices if kind == "embed" else 1,
            wait_for_completion=False,
        )
    return answer["task"]
