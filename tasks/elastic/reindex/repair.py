"""The repair: documents that lack their embedding go through the pipeline again, until none is left or the rest fail for good.

A full queue, a lost task or a restarted node leaves documents without their embedding. What is embedded is not touched:
inference is the expensive part. A document that the index refuses with its embedding ends a task, so the next one leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.deployments import wait_for_allocation
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.cluster.task_starts import started
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import count, index_of_ours, refresh
from tasks.elastic.indices.passages import has_embedding
from tasks.elastic.indices.pipelines import FAILURE_FIELD, value_at
from tasks.elastic.indices.sources import narrowed
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.reindex.copying import MOST_FAILURES, wait_for_room
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.interruption import WhenInterrupted
from tasks.measures.pace import Pace
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

ROUNDS_WITHOUT_PROGRESS = 2
"""The second one has the smallest batches: what fails there too fails for good."""
MOST_LISTED = 1000


@dataclass(frozen=True)
class Unembedded:
    """A document without its embedding, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Repaired:
    """What a repair did."""

    rounds: int
    repaired: int
    """Documents that have their embedding now and did not before."""
    left: int
    """Documents that will never have one as they are."""
    listed: tuple[Unembedded, ...]
    """The first 1,000 of them, with the reasons."""


@step("repair what lacks its embedding in {spec.dest}")
def apply_repair(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
    pace: Pace | None = None,
) -> Repaired:
    """Embed what a reindex left without an embedding; `pace` takes note of how fast documents go.

    Returns:
        What was done; look at `left`.

    Raises:
        TaskCancelled, TaskFailed: the task did not finish; the same command continues.
        DiskFull: the disk of a node is almost full.
        DeploymentFailed, NoRoom: the deployment has lost its allocations, and does not get them back.
        DeadlinePassed: the task keeps running; the same command follows it.
    """
    if index_of_ours(settings, spec.dest).content:
        return Repaired(0, 0, 0, ())
    passes = Passes(
        settings=settings,
        spec=spec,
        plan=plan,
        deadline=deadline,
        when_interrupted=when_interrupted,
        pace=pace,
    )
    repair = _Repair(passes)
    while (task := repair.running() or repair.next()) is not None:
        repair.follow(task)
    return repair.done()


class _Repair:
    """Rounds over the documents without an embedding, until there are none or the rest fail for good."""

    def __init__(self, passes: Passes) -> None:
        self._passes, self._settings, self._spec = passes, passes.settings, passes.spec
        self._rounds = self._stuck = self._rejected = 0
        self._first: int | None = None
        self._missing: int | None = None
        self._refused: dict[str, Failure] = {}

    def running(self) -> str | None:
        """The task that an earlier run started, if it is still running."""
        self._rejected = self._passes.rejected()
        return self._passes.running("repair")

    def next(self) -> str | None:
        """Start another round; None if nothing is missing, the last rounds made no progress, or too much is refused."""
        refresh(self._settings, self._spec.dest)
        missing = count(self._settings, self._spec.dest, self._to_embed)
        self._first = missing if self._first is None else self._first
        self._stuck = self._stuck + 1 if missing == self._missing else 0
        self._missing = missing
        if not missing or self._stuck == ROUNDS_WITHOUT_PROGRESS or len(self._refused) > MOST_FAILURES:
            return None
        self._wait_for_model()
        self._rounds += 1
        say(
            f"{counted(missing, 'document')} of {self._spec.dest} without an embedding. Repair round {self._rounds}."
        )
        return _start(self._settings, self._spec, self._passes.plan, self._to_embed, careful=self._stuck > 0)

    def follow(self, task_id: str) -> None:
        """Follow a round to its end, and note the documents that it could not store."""
        task = self._passes.follow(task_id, f"repair {self._spec.dest}", self._rejected)
        turned_away = [failure for failure in task.failures if failure.passes]
        self._refused |= {
            failure.id: failure for failure in task.failures if failure.id and not failure.passes
        }
        if turned_away:
            self._missing = None  # the next round finds room
            wait_for_room(self._spec, turned_away, self._passes.deadline)

    def done(self) -> Repaired:
        """What all rounds did."""
        left = (self._missing or 0) + len(self._refused)
        listed = read_unembedded(self._settings, self._spec.dest, self._spec.fields) if left else ()
        return Repaired(self._rounds, (self._first or 0) - left, left, tuple(map(self._explained, listed)))

    @property
    def _to_embed(self) -> dict[str, Any]:
        """The query for what the next round embeds."""
        missing = lacking(self._spec.fields)
        refused = [{"ids": {"values": sorted(self._refused)}}] if self._refused else []
        return narrowed(missing, without=refused) or missing

    def _explained(self, one: Unembedded) -> Unembedded:
        """A document with the reason why it was refused with its embedding, which is not stored on it."""
        refused = self._refused.get(one.id)
        return replace(one, reason=f"{refused.type}: {refused.reason}") if refused else one

    def _wait_for_model(self) -> None:
        """Wait for a deployment that has lost its allocations, as with a restarted node: a round without them fails in a moment."""
        there = read_deployment.fn(self._settings, self._spec.deployment_id)
        if there is not None and not there.allocated:
            wait_for_allocation.fn(self._settings, there.id, self._passes.deadline)


def lacking(fields: Sequence[EmbeddedField]) -> dict[str, Any]:
    """The query for documents that lack at least one of their embeddings."""
    have = [has_embedding(field) for field in fields]
    return {"bool": {"must_not": [{"bool": {"filter": have}}]}}


def read_unembedded(
    settings: ElasticSettings, index: str, fields: Sequence[EmbeddedField]
) -> tuple[Unembedded, ...]:
    """The first 1,000 documents without an embedding, each with the reason stored on it."""
    with calling(f"list what lacks its embedding in {index}"):
        found = connect(settings).search(
            index=index, query=lacking(fields), size=MOST_LISTED, source={"includes": [FAILURE_FIELD]}
        )
    return tuple(
        Unembedded(hit["_id"], str(value_at(hit.get("_source") or {}, FAILURE_FIELD) or "never tried"))
        for hit in found["hits"]["hits"]
    )


def _start(
    settings: ElasticSettings, spec: ReindexSpec, plan: BatchPlan, query: dict[str, Any], *, careful: bool
) -> str:
    return started(
        settings,
        spec.opaque_id("repair"),
        f"start to repair {spec.dest}",
        lambda client: client.update_by_query(
            index=spec.dest,
            query=query,
            pipeline=spec.pipeline,
            conflicts="proceed",
            scroll_size=1 if careful else plan.size,
            slices=1 if careful else plan.slices,
            wait_for_completion=False,
        ),
    )
