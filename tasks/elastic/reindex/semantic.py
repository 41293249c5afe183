"""Reindex into semantic_text fields, which are embedded by the index itself, also after a crashed run.

No pipeline runs: the cluster embeds what it stores, before it finds out that a document is already there. So a run that
continues names the missing documents by their ids, read from both indices; nothing embedded is embedded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch.helpers import scan

from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import TRANSIENT_STATUSES, calling
from tasks.elastic.indices.indices import count, index_of_ours, refresh
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.reindex.reindex import MOST_FAILURES, Reindexed, ReindexFailed, wait_for_room
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

KIND = "semantic"
MOST_IDS = 5_000
"""Missing documents that one task names: a request of well under a megabyte."""
_PAGE = 1_000
_LATER = (*TRANSIENT_STATUSES, 409, 500)
"""After these a document whose inference failed may be accepted: the model starts, or its queue was full."""


@step("embed {spec.source} into the semantic_text fields of {spec.dest}")
def apply_semantic_reindex(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Reindexed:
    """Copy every document of the source into an index that embeds it as it is stored.

    A task that an earlier run started is followed, not started again. An index that carries the mark of its content is left alone.

    Raises:
        ReindexFailed: documents are missing, and trying again does not help.
        TaskCancelled, TaskFailed: the task did not finish; the same command continues.
        DiskFull: the disk of a node is almost full.
        DeadlinePassed: the task keeps running; the same command follows it.
    """
    if index_of_ours(settings, spec.dest).content:
        return Reindexed.found(count(settings, spec.dest))
    passes = Passes(
        settings=settings, spec=spec, plan=plan, deadline=deadline, when_interrupted=when_interrupted
    )
    reindex = _SemanticReindex(passes)
    while (task := reindex.running() or reindex.next()) is not None:
        reindex.follow(task)
    return reindex.done()


class _SemanticReindex:
    """Tasks from the source into the new index, one after the other, until every document is there or refused."""

    def __init__(self, passes: Passes) -> None:
        self._passes, self._settings, self._spec = passes, passes.settings, passes.spec
        refresh(self._settings, self._spec.source)
        self._wanted = count(self._settings, self._spec.source)
        self._there = self._rejected = 0
        self._adopted, self._started = list[str](), list[str]()
        self._refused: dict[str, Failure] = {}
        self._stuck_at: tuple[int, int] | None = None

    def running(self) -> str | None:
        """The task that an earlier run started, if it is still running."""
        self._rejected = self._passes.rejected()
        task_id = self._passes.running(KIND)
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
        state = self._there, len(self._refused)
        if state == self._stuck_at or len(self._refused) > MOST_FAILURES:
            failures = tuple(self._refused.values())
            raise ReindexFailed(self._spec, there=self._there, wanted=self._wanted, failures=failures)
        if not self._there and not self._started:
            ids = None
        else:
            self._stuck_at = state
            ids = [id_ for id_ in missing(self._settings, self._spec) if id_ not in self._refused][:MOST_IDS]
            if not ids:
                return None
            say(f"{counted(len(ids), 'document')} of {self._spec.source} still missing. Embedding these.")
        task_id = _start(self._settings, self._spec, self._passes.plan, ids)
        self._started.append(task_id)
        return task_id

    def follow(self, task_id: str) -> None:
        """Follow a task to its end, and note the documents that it could not store."""
        spec = self._spec
        task = self._passes.follow(task_id, f"embed {spec.source} into {spec.dest}", self._rejected)
        if task.lost:
            say(f"The task {task_id} is gone. Reading from {spec.dest} what is missing.")
        later = [failure for failure in task.failures if failure.status in _LATER]
        self._refused |= {each.id: each for each in task.failures if each.id and each.status not in _LATER}
        if later:
            self._stuck_at = None
            wait_for_room(spec, later, self._passes.deadline)

    def done(self) -> Reindexed:
        """What all of it did."""
        return Reindexed(
            documents=self._there,
            wanted=max(self._wanted, self._there + len(self._refused)),
            adopted=tuple(self._adopted),
            started=tuple(self._started),
            refused=tuple(self._refused.values()),
        )


def missing(settings: ElasticSettings, spec: ReindexSpec) -> Iterator[str]:
    """The ids of the source's documents that the new index does not have. Reads ids only."""
    client = connect(settings)
    page: list[str] = []
    with calling(f"list the documents of {spec.source}"):
        for hit in scan(client, index=spec.source, query={"_source": False}, size=_PAGE):
            page.append(hit["_id"])
            if len(page) == _PAGE:
                yield from _absent(settings, spec.dest, page)
                page = []
    yield from _absent(settings, spec.dest, page)


def _absent(settings: ElasticSettings, index: str, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    with calling(f"read which documents are in {index}"):
        found = connect(settings).search(
            index=index, query={"ids": {"values": list(ids)}}, size=len(ids), source=False
        )
    there = {hit["_id"] for hit in found["hits"]["hits"]}
    return [id_ for id_ in ids if id_ not in there]


def _start(settings: ElasticSettings, spec: ReindexSpec, plan: BatchPlan, ids: Sequence[str] | None) -> str:
    """Start a reindex and return its task. The client never retries it: after a lost reply there would be two."""
    source: dict[str, Any] = {"index": spec.source, "size": plan.size}
    if ids is not None:
        source["query"] = {"ids": {"values": list(ids)}}
    client = connect(settings).options(opaque_id=spec.opaque_id(KIND))
    with calling(f"start to embed {spec.dest}"):
        answer = client.reindex(
            source=source,
            dest={"index": spec.dest, "op_type": "create"},
            conflicts="proceed",
            slices=plan.slices if ids is None else 1,
            wait_for_completion=False,
        )
    return answer["task"]
