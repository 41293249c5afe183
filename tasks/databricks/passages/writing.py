"""Passages written into a version: those of the version before bring their embeddings along, the rest is embedded.

Inference is the expensive part. A run after a crash finds what is stored, and embeds again at most the batch that was in flight.
The version before is only read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Written
from tasks.batches import attempt_each
from tasks.databricks.data import Row, check_size
from tasks.databricks.indexes import IndexState
from tasks.databricks.loading import remove, scanned, upsert
from tasks.databricks.passages.reading import hashes
from tasks.databricks.passages.specs import (
    DESCRIPTION,
    VECTOR,
    Description,
    Embedded,
    description_row,
    hash_of,
    row_of,
)
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.models.embeddings import embed_directions
from tasks.models.settings import ModelSettings
from tasks.steps import step
from tasks.waiting import Deadline, Look

BATCH = 32
"""Passages in a request that embeds, and what a crash may embed again."""


@step("write the passages of {index.full_name}")
def apply_passages(
    settings: DatabricksSettings,
    index: IndexState,
    description: Description,
    chunks: Sequence[Chunk],
    models: ModelSettings,
    deadline: Deadline,
    *,
    previous: IndexState | None,
) -> Written:
    """Bring an index to hold exactly these passages, and the row that describes them last. Writes only what differs.

    Args:
        settings: the target.
        index: a version, perhaps begun by a run that was killed.
        description: what it will say of itself.
        chunks: what it is to hold.
        models: where the model is that embeds them.
        deadline: for all of them.
        previous: a version that the same model embedded; None for none.

    Raises:
        InvalidInput: a passage is too large for a row.
        RowsRefused: the service keeps refusing some.
        DeadlinePassed: what was stored is kept; the same command continues.
        Exception: as `tasks.models.errors.calling`.
    """
    last = description_row(description, index.dimensions)
    check_size(last, source="the description of the knowledge base")
    there = hashes(settings, index)
    missing = {chunk.id: chunk for chunk in chunks if there.get(chunk.id) != hash_of(chunk)}
    wanted = {chunk.id for chunk in chunks}
    strays = sorted(there.keys() - wanted - {DESCRIPTION})
    rest = dict(missing)
    if previous is not None and rest:
        for rows in _carried(settings, previous, rest):
            upsert(settings, index, rows, len(rows), deadline)
    _embed(settings, index, list(rest.values()), models, deadline)
    if strays:
        remove(settings, index, strays, deadline)
    if missing or strays or there.get(DESCRIPTION) != last["hash"]:
        upsert(settings, index, [last], 1, deadline)
    return Written(
        there=len(chunks) - len(missing), carried=len(missing) - len(rest), embedded=len(rest), removed=len(strays)
    )  # fmt: skip


def _carried(
    settings: DatabricksSettings, previous: IndexState, rest: dict[str, Chunk]
) -> Iterator[list[Row]]:
    """Rows of passages that another version has the embeddings of; takes them out of the rest."""
    for page in scanned(settings, previous):
        found = [
            Embedded(rest.pop(row[KEY]), np.asarray(row[VECTOR], np.float32))
            for row in page
            if row[KEY] in rest
        ]
        if found:
            yield list(_checked(found))


def _embed(
    settings: DatabricksSettings,
    index: IndexState,
    chunks: Sequence[Chunk],
    models: ModelSettings,
    deadline: Deadline,
) -> None:
    """Embed and store these, one batch after the other: what is stored needs no second embedding."""
    made: dict[int, list[Row]] = {}

    def attempt(batch: Sequence[Chunk]) -> Look[bool]:
        # A request that is sent again does not embed again.
        if id(batch) not in made:
            vectors = embed_directions(models, [chunk.passage for chunk in batch], "passage")
            made.clear()
            made[id(batch)] = list(_checked(map(Embedded, batch, vectors)))
        rows = made[id(batch)]
        upsert(settings, index, rows, len(rows), deadline)
        return Look(seen="stored", value=True, done=True)

    parts = [chunks[start : start + BATCH] for start in range(0, len(chunks), BATCH)]
    attempt_each(
        f"embed passages into {index.full_name}", parts, attempt, deadline, total=len(chunks), outcome="stored", unit="passages"
    )  # fmt: skip


def _checked(passages: Iterable[Embedded]) -> Iterator[Row]:
    for passage in passages:
        row = row_of(passage)
        check_size(row, source=f"{passage.chunk.document} at character {passage.chunk.start:,}")
        yield row
