"""Reindex through the inference pipeline, and what a crashed run left of it. No journal: the index says what is missing.

First attempt: everything through the pipeline. Found half done, with no task of ours running: what is not there is copied
**without** the pipeline (`op_type: create`), since inference is paid before a conflict is found; `mending` embeds it then.
Embeddings that the source has already stay behind: they would count as ours, and a model must not be mixed with another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from tasks.elastic.cluster.reindex_tasks import Failure, Following, find_task, follow, rejections
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import count, index_of_ours, refresh
from tasks.elastic.indices.pipelines import FAILURE_FIELD
from tasks.elastic.reindex.batch_plans import MOST_DOCUMENTS, BatchPlan, ReindexSpec
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.interruption import WhenInterrupted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

Kind = Literal["embed", "fill"]
MOST_FAILURES = 1000
"""So many documents that do not fit are no longer single documents."""
_SHOWN = 3
_PAUSE_SECONDS = 5.0
"""Before documents are sent again that an index turned away: the task has tried them for a minute already."""


@dataclass(frozen=True)
class Reindexed:
    """What a reindex did."""

    documents: int
    """In the new index now."""
    wanted: int
    """In the source when the reindex began, those included that were written to it since it was read."""
    adopted: tuple[str, ...]
    """Tasks of an earlier run that were followed."""
    started: tuple[str, ...]
    """Tasks that were begun."""
    refused: tuple[Failure, ...]
    """Documents that the new index will never take. Those that it has no room for just now are not among them."""
    unchanged: bool = False
    """All was there and marked."""


class ReindexFailed(PermanentError):
    """Documents do not arrive in the new index."""

    def __init__(self, spec: ReindexSpec, *, there: int, wanted: int, failures: tuple[Failure, ...]) -> None:
        self.spec, self.there, self.wanted, self.failures = spec, there, wanted, failures
        said = "; ".join(map(str, failures[:_SHOWN]))
        super().__init__(
            f"Only {there:,} of {wanted:,} documents of {spec.source!r} arrive in {spec.dest!r}. "
            + (f"{len(failures):,} were refused, the first: {said}." if failures else "No reason was given.")
        )


@step("embed {spec.source} into {spec.dest}")
def apply_reindex(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Reindexed:
    """Bring every document of the source into the new index, embedded as far as one pass gets.

    A task that an earlier run began is followed, not begun again. An index that bears the mark of its content is left alone.

    Returns:
        What was done. Documents may still lack their embedding: `apply_mending` comes next.

    Raises:
        ReindexFailed: documents do not arrive, and trying again does not help.
        TaskCancelled, TaskFailed: the task came to a bad end; the same command goes on.
        DeadlinePassed: the task goes on; the same command follows it. Or the index has no room for documents just now.
    """
    if index_of_ours(settings, spec.dest).content:
        there = count(settings, spec.dest)
        return Reindexed(there, there, (), (), (), unchanged=True)
    refresh(settings, spec.source)
    wanted = count(settings, spec.source)
    adopted, started = list[str](), list[str]()
    refused: dict[str, Failure] = {}
    before = -1
    while True:
        rejected = rejections(settings, spec.deployment_id)
        task_id = find_task(settings, [spec.opaque_id("embed"), spec.opaque_id("fill")])
        if task_id is not None:
            say(f"An earlier run is still embedding {spec.source}: following {task_id}.")
            adopted.append(task_id)
        else:
            refresh(settings, spec.dest)
            there = count(settings, spec.dest)
            if there >= wanted - len(refused):
                # More than were counted: written between the count and the first search of the reindex.
                wanted = max(wanted, there + len(refused))
                return Reindexed(there, wanted, tuple(adopted), tuple(started), tuple(refused.values()))
            if there == before or len(refused) > MOST_FAILURES:
                raise ReindexFailed(spec, there=there, wanted=wanted, failures=tuple(refused.values()))
            kind: Kind = "fill" if there or started else "embed"
            before = there if kind == "fill" else -1
            task_id = start(settings, spec, plan, kind, leave_out=refused)
            started.append(task_id)
        how = Following(
            f"embed {spec.source} into {spec.dest}", spec.deployment_id, plan.per_second, rejected, when_interrupted
        )  # fmt: skip
        task = follow(settings, task_id, how, deadline)
        if task.lost:
            say(f"The task {task_id} is gone: what is missing is read from {spec.dest}.")
        known = len(refused)
        refused.update(
            {failure.id: failure for failure in task.failures if failure.id and not failure.passes}
        )
        passing = [failure for failure in task.failures if failure.passes]
        if len(refused) > known or passing:
            before = -1  # the next attempt leaves the refused ones out, or finds room: it can get further
        if passing:
            _wait(spec, passing, deadline)


def _wait(spec: ReindexSpec, turned_away: list[Failure], deadline: Deadline) -> None:
    """A pause before documents are sent again.

    Raises:
        DeadlinePassed: there is no time for that; with the first reason.
    """
    seen = f"{len(turned_away):,} documents turned away for now, the first: {turned_away[0]}"
    say(f"{spec.dest} takes them later: {seen}.")
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
    """Begin a reindex and return its task. Never retried by the client: a lost reply would make two of them."""
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
    with calling(f"begin to {kind} {spec.dest}"):
        answer = client.reindex(
            source=source,
            dest=dest,
            conflicts="proceed",
            slices=plan.slices if kind == "embed" else 1,
            wait_for_completion=False,
        )
    return answer["task"]
