"""Passages written into a new version: those of the version before bring their embeddings along, the rest is embedded.

Inference is the expensive part. A run after a crash finds what is stored, and embeds again at most the batch that was in
flight. The version before is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.answers.chunks import Chunk
from tasks.batches import attempt_each
from tasks.elastic.indices.bulks import Bulk, BulkLoad, Refused
from tasks.elastic.indices.indices import refresh
from tasks.elastic.passages.reading import embeddings, seen_hashes, unembedded
from tasks.elastic.passages.specs import as_document, hash_of
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.steps import step
from tasks.waiting import Deadline

BATCH = 32
"""Passages in a request that embeds: at a third of a second each, ELSER's pace, a tenth of the client's patience; and what a
crash may embed again."""
ROUNDS = 3
"""Rounds without progress after which what still has no embedding fails for good."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written."""

    there: int
    """Passages that an earlier, killed run had stored."""
    carried: int
    """Passages whose embedding the version before had."""
    embedded: int
    """Passages that went through the model, or, without one, were stored as they are."""


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
    pipeline: str,
    refused_file: Path,
) -> Written:
    """Store every chunk, each with its embedding if there is a pipeline.

    Args:
        settings: the target.
        index: a new version, perhaps begun by a run that was killed.
        chunks: what it is to hold.
        deadline: for all of them.
        previous: a version with embeddings of the same model; empty for none.
        pipeline: what embeds; empty to store them as they are.
        refused_file: where passages go that are refused for good.

    Raises:
        PassagesRefused, PassagesNotEmbedded: after everything else was stored.
        DeadlinePassed: what was stored is kept; the same command continues.
        NotOurs: the index does not carry our mark.
    """
    there = seen_hashes(settings, index)
    lacking = unembedded(settings, index) if pipeline else {}
    missing = [c for c in chunks if c.id in lacking or there.get(c.id) != hash_of(c)]
    writer = _Writer(settings, index, deadline, pipeline, refused_file)
    with writer.refused as refused:
        rest = writer.carry(missing, previous) if previous else missing
        writer.embed(rest)
    if refused.count:
        raise PassagesRefused(index, first=refused.first, count=refused.count, file=refused_file)
    if pipeline:
        writer.repair(chunks)
    refresh(settings, index)
    return Written(there=len(chunks) - len(missing), carried=len(missing) - len(rest), embedded=len(rest))


class _Writer:
    """Sends batches into one index."""

    def __init__(
        self, settings: ElasticSettings, index: str, deadline: Deadline, pipeline: str, refused_file: Path
    ) -> None:
        self._settings, self._index, self._deadline = settings, index, deadline
        self._plain = BulkLoad(settings, index, refused_file)
        self._embedding = BulkLoad(settings, index, refused_file, pipeline=pipeline or None)
        self._embedding.aside = self._plain.aside
        self.refused = self._plain.aside

    def carry(self, chunks: Sequence[Chunk], previous: str) -> list[Chunk]:
        """Store those whose embedding another version has; returns the others."""
        rest: list[Chunk] = []
        for batch in _batches(chunks):
            known = embeddings(self._settings, previous, [chunk.id for chunk in batch])
            carried = [as_document(chunk, known[chunk.id]) for chunk in batch if chunk.id in known]
            rest += [chunk for chunk in batch if chunk.id not in known]
            if carried:
                self._send(
                    f"carry passages over into {self._index}", [Bulk(carried)], self._plain, len(carried)
                )
        return rest

    def embed(self, chunks: Sequence[Chunk]) -> None:
        """Send these through the pipeline."""
        bulks = [Bulk([as_document(chunk) for chunk in batch]) for batch in _batches(chunks)]
        self._send(f"embed passages into {self._index}", bulks, self._embedding, len(chunks))

    def repair(self, chunks: Sequence[Chunk]) -> None:
        """Send what has no embedding again, until all have one or rounds bring nothing."""
        before, rounds = len(chunks) + 1, 0
        while True:
            refresh(self._settings, self._index)
            lacking = unembedded(self._settings, self._index)
            if not lacking:
                return
            rounds = 0 if len(lacking) < before else rounds + 1
            if rounds == ROUNDS:
                raise PassagesNotEmbedded(self._index, reasons=lacking)
            before = len(lacking)
            self.embed([chunk for chunk in chunks if chunk.id in lacking])

    def _send(self, what: str, bulks: Sequence[Bulk], load: BulkLoad, total: int) -> None:
        attempt_each(what, bulks, load.send, self._deadline, total=total, outcome="sent", unit="passages")


def _batches(chunks: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    return [chunks[start : start + BATCH] for start in range(0, len(chunks), BATCH)]
