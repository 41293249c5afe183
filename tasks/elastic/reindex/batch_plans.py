"""How large a batch of a reindex may be, so that neither the model's queue overflows nor a scroll runs out of time.

A bulk is sent to the model as a whole: every document of it, times the fields that are embedded, waits in the queue at once.
A request beyond the bounds is lowered, and the log says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.inference import speed
from tasks.elastic.cluster.reindex_tasks import OPAQUE_PREFIX
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.sources import narrowed
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput
from tasks.marks import fingerprint
from tasks.program import command
from tasks.progress import say
from tasks.steps import step

QUEUE_FILLED = 0.8
"""The part of a queue that we may fill: searches and others use it too."""
BATCH_SECONDS = 60.0
"""The work in one batch; the scroll behind a reindex is kept alive for five minutes."""
MOST_DOCUMENTS = 1000
"""Elasticsearch's own default, and ours if nothing is requested."""
_SAMPLE = 16
"""Texts that the speed is measured on: a few per allocation, and a few seconds at ELSER's speed."""


class ReindexSpec(BaseModel, frozen=True):
    """Documents of a source, embedded into another index."""

    source: str
    """As `read_source` takes it."""
    dest: str
    pipeline: str
    deployment_id: str
    """The deployment that the pipeline names; its queue and its statistics are watched."""
    fields: tuple[EmbeddedField, ...]
    query: dict[str, Any] | None = None
    """Which documents of the source; None for all."""
    remote: str | None = None
    """The address of the cluster that the source is in; None for the same one."""
    leave_out: tuple[str, ...] | None = None
    """Fields of the source that are not copied, beside embeddings and failures of ours; None for no others."""

    def opaque_id(self, kind: str) -> str:
        """The `X-Opaque-Id` of a task of ours, by which a later run finds it."""
        return f"{OPAQUE_PREFIX}{kind}-{fingerprint(self.model_dump(mode='json', exclude_none=True))}"


@dataclass(frozen=True)
class BatchPlan:
    """How a reindex cuts its work."""

    size: int
    """Documents in a batch of one slice."""
    slices: int
    per_second: float
    """Documents per second that the deployment was measured to embed."""
    lowered: tuple[str, ...]
    """Why less than requested is used; empty if the request is met."""

    def seconds_for(self, documents: int) -> float:
        """How long N documents will take."""
        return documents / self.per_second


def plan_batches(
    *, size: int | None, slices: int, fields: int, queue_capacity: int, per_second: float
) -> BatchPlan:
    """The largest batches, up to what was requested, that stay within the bounds.

    Args:
        size: documents per batch, as requested; None takes what fits.
        slices: as requested.
        fields: texts of one document that are embedded.
        queue_capacity: of the deployment. Its nodes each have a queue, but they need not fill evenly.
        per_second: documents that are embedded in a second, with all their fields.
    """
    bounds = {
        f"the queue of {queue_capacity} texts is filled to {QUEUE_FILLED:.0%} at most": int(
            QUEUE_FILLED * queue_capacity / fields
        ),
        f"a batch is {BATCH_SECONDS:.0f} s of work at most, at {per_second:.1f} documents per second": int(
            BATCH_SECONDS * per_second
        ),
    }
    at_once = max(1, min(bounds.values()))
    fitting_slices = min(slices, at_once)
    fitting_size = min(size or MOST_DOCUMENTS, at_once // fitting_slices)
    requested = (size or fitting_size) * slices
    lowered = tuple(
        f"{why}: {fitting_slices} x {fitting_size} documents instead of {slices} x {size or fitting_size}"
        for why, bound in bounds.items()
        if requested > max(1, bound)
    )
    return BatchPlan(fitting_size, fitting_slices, per_second, lowered)


@step("plan the batches of {spec.source}")
def read_batch_plan(
    settings: ElasticSettings,
    spec: ReindexSpec,
    *,
    size: int | None = None,
    slices: int = 1,
    per_second: float | None = None,
    passages: float | None = None,
    remote: ElasticSettings | None = None,
) -> BatchPlan:
    """The batches for a reindex, from the deployment's queue and its measured speed.

    Args:
        settings: the target.
        spec: the reindex.
        size: documents per batch, as requested; None takes what fits.
        slices: how many slices read and write at a time; the model stays the limit.
        per_second: documents per second, if known; None measures it on a few documents of the source.
        passages: of a document on average, where these are embedded. They go to the model one after the other, so that the queue
            holds one of each document at a time.
        remote: the cluster that the source is in; None for the same one.

    Raises:
        InvalidInput: the deployment does not exist, or no document has a text to measure with.
    """
    there = read_deployment.fn(settings, spec.deployment_id)
    if there is None:
        raise InvalidInput(
            "There is no such deployment",
            value=spec.deployment_id,
            remedy=f"Run `{command('elastic deploy', name='NAME')}` first, which names deployments NAME-ingest and NAME-search.",
        )
    at_once = max(1, int(QUEUE_FILLED * there.queue_capacity))
    texts = len(spec.fields) if passages is None else max(1.0, passages)
    measured = per_second or _speed(settings, spec, min(_SAMPLE, at_once), remote or settings) / texts
    plan = plan_batches(
        size=size,
        slices=slices,
        fields=len(spec.fields) if passages is None else 1,
        queue_capacity=there.queue_capacity,
        per_second=measured,
    )
    for why in plan.lowered:
        say(f"The batches of {spec.source} are smaller than requested: {why}.")
    return plan


def _speed(settings: ElasticSettings, spec: ReindexSpec, most: int, source: ElasticSettings) -> float:
    names = [field.input for field in spec.fields]
    query = {"bool": {"should": [{"exists": {"field": name}} for name in names], "minimum_should_match": 1}}
    with calling(f"read a sample of {spec.source}"):
        found = connect(source).search(
            index=spec.source, query=narrowed(spec.query, query), size=most, source={"includes": names}
        )
    texts = [
        text
        for hit in found["hits"]["hits"]
        for name in names
        for text in texts_at(hit["_source"], name)
        if text
    ]
    measured = speed(settings, spec.deployment_id, texts[:most])
    # Answers from the cache are fast and not representative: the model's own average is the bound.
    after = read_deployment.fn(settings, spec.deployment_id)
    if after is None or not after.milliseconds:
        return measured
    return min(measured, max(1, after.allocated) * 1000 / after.milliseconds)
