"""Passages written into a new version: those of the version before bring their embeddings along, the rest is embedded.

Inference is the expensive part. A run after a crash finds what is stored, and embeds again at most the batches that were under
way. The version before is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Written
from tasks.batches import Part, ahead, attempt_each, in_background
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.indices.bulks import Aside, Bulk, BulkLoad, Refused
from tasks.elastic.indices.indices import refresh
from tasks.elastic.passages.reading import embeddings, seen_hashes, unembedded
from tasks.elastic.passages.specs import VECTOR, Embedders, as_document, hash_of
from tasks.elastic.reindex.batch_plans import QUEUE_FILLED
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.models.embeddings import embed_texts
from tasks.models.settings import ModelSettings
from tasks.steps import step
from tasks.waiting import Deadline, Look

BATCH = 32
"""Passages in a request that embeds: at a third of a second each, ELSER's pace, a tenth of the client's patience."""
UNDER_WAY = 2
"""Such requests at once, if the deployment's queue has room, so that no allocation waits for the next one: with a single request, 8
allocations were used to 79 % (benchmarks/embedding.py). A crash may embed again what is in them."""
ROUNDS = 3
"""Rounds without progress after which what still has no embedding fails for good."""
_SHOWN = 3


class PassagesRefused(PermanentError):
    """The cluster does not take some passages."""

    def __init__(self, index: str, *, first: Sequence[Refused], count: int, file: Path) -> None:
        self.index, self.first, self.count = index, tuple(first), count
        named = "; ".join(f"{each.place}: {each.type}: {each.reason}" for each in first)
        super().__init__(
            f"{count:,} passages were refused by the index {index!r}, the first: {named}. They are listed in {file}. The alias "
            "was not moved. Correct the documents and run the same command again."
        )


class PassagesNotEmbedded(PermanentError):
    """Some passages never get an embedding."""

    def __init__(self, index: str, *, reasons: dict[str, str]) -> None:
        self.index, self.reasons = index, reasons
        first = "; ".join(f"{id_}: {reason}" for id_, reason in list(reasons.items())[:_SHOWN])
        super().__init__(
            f"{len(reasons):,} passages of {index!r} have no embedding after {ROUNDS} rounds, the first: {first}. The alias was "
            "not moved. Run the same command again, or see what is wrong with the deployment: `elastic diagnose`."
        )


@step("write the passages of {index}")
def apply_passages(
    settings: ElasticSettings,
    index: str,
    chunks: Sequence[Chunk],
    deadline: Deadline,
    *,
    previous: str,
    embedders: Embedders,
    pipeline: str,
    models: ModelSettings | None,
    refused_file: Path,
) -> Written:
    """Store every chunk, each with its embeddings.

    Args:
        settings: the target.
        index: a new version, perhaps begun by a run that was killed.
        chunks: what it is to hold.
        deadline: for all of them.
        previous: a version with embeddings of the same models; empty for none.
        embedders: what embeds them.
        pipeline: that of the deployment; empty for none.
        models: where the dense model is; None if there is none.
        refused_file: where passages go that are refused for good.

    Raises:
        PassagesRefused, PassagesNotEmbedded: after everything else was stored.
        DeadlinePassed: what was stored is kept; the same command continues.
        NotOurs: the index does not carry our mark.
    """
    there = seen_hashes(settings, index)
    lacking = unembedded(settings, index, embedders.fields)
    missing = [c for c in chunks if c.id in lacking or there.get(c.id) != hash_of(c)]
    writer = _Writer(settings, index, deadline, embedders, pipeline, models, refused_file)
    with writer.refused as refused:
        rest = writer.carry(missing, previous) if previous else missing
        writer.embed(rest)
        writer.repair(chunks)
    if refused.count:
        raise PassagesRefused(index, first=refused.first, count=refused.count, file=refused_file)
    return Written(there=len(chunks) - len(missing), carried=len(missing) - len(rest), embedded=len(rest))


class _Batch:
    """Passages that are embedded and stored together."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.chunks = chunks
        self.making: Future[Bulk] | None = None
        """Begun before it is its turn."""
        self.bulk: Bulk | None = None
        """With their dense embeddings, once they have them: a request that is sent again does not embed them again."""

    def __len__(self) -> int:
        return len(self.chunks)


class _Writer:
    """Sends batches into one index."""

    def __init__(
        self,
        settings: ElasticSettings,
        index: str,
        deadline: Deadline,
        embedders: Embedders,
        pipeline: str,
        models: ModelSettings | None,
        refused_file: Path,
    ) -> None:
        self._settings, self._index, self._deadline = settings, index, deadline
        self._fields, self._models = embedders.fields, models
        self._most = _most_under_way(settings, embedders.deployment)
        self.refused = Aside(refused_file)
        self._plain = BulkLoad(settings, index, self.refused)
        self._embedding = BulkLoad(settings, index, self.refused, pipeline=pipeline or None)

    def carry(self, chunks: Sequence[Chunk], previous: str) -> list[Chunk]:
        """Store those whose embeddings another version has; returns the others."""
        rest: list[Chunk] = []
        for batch in _batches(chunks):
            known = embeddings(self._settings, previous, [chunk.id for chunk in batch], self._fields)
            carried = [as_document(chunk, known[chunk.id]) for chunk in batch if chunk.id in known]
            rest += [chunk for chunk in batch if chunk.id not in known]
            if carried:
                self._attempt("carry passages over", [Bulk(carried)], self._plain.send, len(carried))
        return rest

    def embed(self, chunks: Sequence[Chunk]) -> None:
        """Embed and store these."""
        begun = ahead(map(_Batch, _batches(chunks)), self._begin, self._most)
        self._attempt("embed passages", begun, self._embed, len(chunks))

    def repair(self, chunks: Sequence[Chunk]) -> None:
        """Send what lacks an embedding again, until nothing does, rounds bring nothing, or some are refused for good."""
        before, rounds = len(chunks) + 1, 0
        while not self.refused.count:
            refresh(self._settings, self._index)
            lacking = unembedded(self._settings, self._index, self._fields)
            if not lacking:
                return
            rounds = 0 if len(lacking) < before else rounds + 1
            if rounds == ROUNDS:
                raise PassagesNotEmbedded(self._index, reasons=lacking)
            before = len(lacking)
            self.embed([chunk for chunk in chunks if chunk.id in lacking])

    def _begin(self, batch: _Batch) -> None:
        def make() -> Bulk:
            bulk = self._bulk_of(batch)
            self._embedding.begin(bulk)
            return bulk

        batch.making = in_background(make)

    def _embed(self, batch: _Batch) -> Look[bool]:
        if batch.bulk is None:
            making, batch.making = batch.making, None
            batch.bulk = making.result() if making else self._bulk_of(batch)
        return self._embedding.send(batch.bulk)

    def _bulk_of(self, batch: _Batch) -> Bulk:
        return Bulk([as_document(chunk, dense) for chunk, dense in self._with_vectors(batch.chunks)])

    def _with_vectors(self, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, dict[str, Any]]]:
        """Each chunk with its dense embedding, if there is a model for it."""
        if self._models is None:
            yield from ((chunk, {}) for chunk in chunks)
            return
        found = embed_texts(self._models, [chunk.passage for chunk in chunks], "passage")
        for chunk, vector in zip(chunks, found.vectors.tolist(), strict=True):
            yield chunk, {VECTOR: vector}

    def _attempt(
        self, what: str, parts: Iterable[Part], attempt: Callable[[Part], Look[bool]], total: int
    ) -> None:
        attempt_each(
            f"{what} into {self._index}", parts, attempt, self._deadline, total=total, outcome="sent", unit="passages"
        )  # fmt: skip


def _batches(chunks: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    return [chunks[start : start + BATCH] for start in range(0, len(chunks), BATCH)]


def _most_under_way(settings: ElasticSettings, deployment: str) -> int:
    """Requests that a deployment's queue has room for, beside searches."""
    there = read_deployment.fn(settings, deployment) if deployment else None
    return max(1, min(UNDER_WAY, int(QUEUE_FILLED * there.queue_capacity) // BATCH)) if there else UNDER_WAY
