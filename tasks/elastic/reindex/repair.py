"""The mend pass: documents that lack their embedding go through the pipeline again, until none does or the rest never will.

A full queue, a lost task or a restarted node leaves documents without their embedding. What is embedded is not touched:
inference is the expensive part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.elastic.cluster.reindex_tasks import Following, find_task, follow, rejections
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import count, index_of_ours, refresh
from tasks.elastic.indices.pipelines import FAILURE_FIELD, value_at
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.interruption import WhenInterrupted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

ROUNDS_WITHOUT_PROGRESS = 2
"""The second one has the smallest batches: what fails there as well fails for good."""
MOST_LISTED = 1000


@dataclass(frozen=True)
class Unembedded:
    """A document without its embedding, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Mended:
    """What a mend pass did."""

    rounds: int
    mended: int
    """Documents that have their embedding now and did not before."""
    left: int
    """Documents that will never have one as they are."""
    listed: tuple[Unembedded, ...]
    """They, the first 1,000, with their reasons."""


@step("mend what lacks its embedding in {spec.dest}")
def apply_mending(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Mended:
    """Embed what a reindex left without an embedding.

    Returns:
        What was done; look at `left`.

    Raises:
        TaskCancelled, TaskFailed: the task came to a bad end; the same command goes on.
        DeadlinePassed: the task goes on; the same command follows it.
    """
    if index_of_ours(settings, spec.dest).content:
        return Mended(0, 0, 0, ())
    query = lacking(spec.fields)
    rounds = stuck = 0
    first = before = -1
    while True:
        rejected = rejections(settings, spec.deployment_id)
        task_id = find_task(settings, [spec.opaque_id("mend")])
        if task_id is None:
            refresh(settings, spec.dest)
            missing = count(settings, spec.dest, query)
            first = missing if first < 0 else first
            stuck = stuck + 1 if missing == before else 0
            if not missing or stuck == ROUNDS_WITHOUT_PROGRESS:
                listed = read_unembedded(settings, spec.dest, spec.fields) if missing else ()
                return Mended(rounds, first - missing, missing, listed)
            before, rounds = missing, rounds + 1
            say(f"{missing:,} documents of {spec.dest} lack their embedding: round {rounds}.")
            task_id = _start(settings, spec, plan, query, careful=stuck > 0)
        how = Following(f"mend {spec.dest}", spec.deployment_id, plan.per_second, rejected, when_interrupted)
        follow(settings, task_id, how, deadline)


def lacking(fields: Sequence[EmbeddedField]) -> dict[str, Any]:
    """The query for documents that lack at least one of their embeddings. `exists` finds sparse vectors since 8.15."""
    have = [{"exists": {"field": field.output}} for field in fields]
    return {"bool": {"must_not": [{"bool": {"filter": have}}]}}


def read_unembedded(
    settings: ElasticSettings, index: str, fields: Sequence[EmbeddedField]
) -> tuple[Unembedded, ...]:
    """The first 1,000 documents without an embedding, each with the reason that it bears."""
    with calling(f"list what lacks its embedding in {index}"):
        found = connect(settings).search(
            index=index, query=lacking(fields), size=MOST_LISTED, source={"includes": [FAILURE_FIELD]}
        )
    return tuple(
        Unembedded(hit["_id"], str(value_at(hit.get("_source") or {}, FAILURE_FIELD) or "it was never tried"))
        for hit in found["hits"]["hits"]
    )


def _start(
    settings: ElasticSettings, spec: ReindexSpec, plan: BatchPlan, query: dict[str, Any], *, careful: bool
) -> str:
    client = connect(settings).options(opaque_id=spec.opaque_id("mend"))
    with calling(f"begin to mend {spec.dest}"):
        answer = client.update_by_query(
            index=spec.dest,
            query=query,
            pipeline=spec.pipeline,
            conflicts="proceed",
            scroll_size=1 if careful else plan.size,
            slices=1 if careful else plan.slices,
            wait_for_completion=False,
        )
    return answer["task"]
