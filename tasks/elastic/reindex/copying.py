"""Tasks from the source into a new index, one after the other, until every document is there or refused.

No journal: a task that an earlier run started is followed, and what is missing is read from the index. How a task is started, and
which documents may be accepted later, is for each way of embedding to say.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.cluster.task_starts import started
from tasks.elastic.indices.indices import count, refresh, refresh_source
from tasks.elastic.indices.remotes import remote_source
from tasks.elastic.reindex.batch_plans import ReindexSpec
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.progress import say
from tasks.waiting import Deadline, Look, wait_until

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
        refused = [failure for failure in failures if failure.id]
        said = "; ".join(map(str, (refused or failures)[:_SHOWN]))
        why = f"Its task stopped: {said}." if failures else "Elasticsearch gave no reason."
        if refused:
            why = f"{len(refused):,} were refused, the first: {said}."
        super().__init__(
            f"Only {there:,} of {wanted:,} documents of {spec.source!r} reached {spec.dest!r}. {why}"
        )


class Copying(ABC):
    """A reindex until its end. One object serves one run."""

    kinds: ClassVar[tuple[str, ...]]
    """Of its tasks, as their `X-Opaque-Id` has them."""

    def __init__(self, passes: Passes) -> None:
        self.passes, self.settings, self.spec = passes, passes.settings, passes.spec
        refresh_source(passes.source_settings, self.spec.source)
        self._wanted = count(passes.source_settings, self.spec.source, self.spec.query)
        self._there = self._rejected = 0
        self._adopted, self._started = list[str](), list[str]()
        self.refused: dict[str, Failure] = {}
        self._stopped: tuple[Failure, ...] = ()
        """Why the last task ended early, if no document is to blame: its search failed."""
        self._stuck_at: tuple[int, int] | None = None
        """Documents and refusals before the last task for what is missing. If both are the same after it, another does not help."""

    @abstractmethod
    def start(self, *, is_first: bool) -> str | None:
        """Start a task, for everything or for what is missing, and return it; None if there is nothing for it to do."""

    @abstractmethod
    def passes_later(self, failure: Failure) -> bool:
        """Whether the document may be accepted if it is sent again."""

    def run(self) -> Reindexed:
        """Follow and start tasks until nothing is left to do.

        Raises:
            ReindexFailed: documents are missing, and trying again does not help.
            TaskCancelled, TaskFailed: the task did not finish; the same command continues.
            DiskFull: the disk of a node is almost full.
            DeadlinePassed: the task keeps running; the same command follows it. Or the index has no room for documents just now.
        """
        while (task := self._running() or self._next()) is not None:
            self._follow(task)
        return Reindexed(
            documents=self._there,
            # More than were counted: written between the count and the first search of the reindex.
            wanted=max(self._wanted, self._there + len(self.refused)),
            adopted=tuple(self._adopted),
            started=tuple(self._started),
            refused=tuple(self.refused.values()),
        )

    def _running(self) -> str | None:
        """The task that an earlier run started, if it is still running."""
        self._rejected = self.passes.rejected()
        task_id = self.passes.running(*self.kinds)
        if task_id is not None:
            say(f"An earlier run is still embedding {self.spec.source}. Following {task_id}.")
            self._adopted.append(task_id)
        return task_id

    def _next(self) -> str | None:
        """Start the task that brings what is missing; None if nothing is."""
        refresh(self.settings, self.spec.dest)
        self._there = count(self.settings, self.spec.dest)
        if self._there >= self._wanted - len(self.refused):
            return None
        state = self._there, len(self.refused)
        if state == self._stuck_at or len(self.refused) > MOST_FAILURES:
            failures = (*self.refused.values(), *self._stopped)
            raise ReindexFailed(self.spec, there=self._there, wanted=self._wanted, failures=failures)
        is_first = not self._there and not self._started
        self._stuck_at = None if is_first else state
        task_id = self.start(is_first=is_first)
        if task_id is not None:
            self._started.append(task_id)
        return task_id

    def _follow(self, task_id: str) -> None:
        """Follow a task to its end, and note the documents that it could not store."""
        spec = self.spec
        task = self.passes.follow(task_id, f"embed {spec.source} into {spec.dest}", self._rejected)
        if task.lost:
            say(f"The task {task_id} is gone. Reading from {spec.dest} what is missing.")
        turned_away = [failure for failure in task.failures if self.passes_later(failure)]
        for_good = [failure for failure in task.failures if not self.passes_later(failure)]
        self.refused |= {failure.id: failure for failure in for_good if failure.id}
        self._stopped = tuple(failure for failure in for_good if not failure.id)
        if turned_away:
            self._stuck_at = None  # the next attempt finds room
            wait_for_room(spec, turned_away, self.passes.deadline)


def send(
    settings: ElasticSettings,
    spec: ReindexSpec,
    kind: str,
    *,
    source: dict[str, Any],
    dest: dict[str, Any],
    slices: int,
    remote: ElasticSettings | None = None,
) -> str:
    """Send a reindex and return its task.

    Args:
        settings: the target.
        spec: what is embedded into what.
        kind: of the task, by which a later run finds it.
        source: what of the source is read and how, beside its name.
        dest: how it is written, beside the index.
        slices: that read and write in parallel.
        remote: the cluster that the source is in; None for the same one.
    """
    where = {} if remote is None else {"remote": remote_source(remote)}
    return started(
        settings,
        spec.opaque_id(kind),
        f"start to {kind} {spec.dest}",
        lambda client: client.reindex(
            source={"index": spec.source.split(","), **where, **source},
            dest={"index": spec.dest, "op_type": "create", **dest},
            conflicts="proceed",
            slices=slices,
            wait_for_completion=False,
        ),
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
