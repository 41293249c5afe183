"""What the tour needs from a data file: a query whose own vector would be its nearest neighbor, and words for ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.measures.neighbors import exact_neighbors
from tasks.steps import step
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.vectors import VectorFile
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import IndexSpec

CANDIDATES = 20
"""Queries looked at; of raw GloVe under the dot product 19 in 20 qualify, of normalized vectors all."""

MOST_WORDS = 100_000
"""Rows whose words are kept in memory to show them: a few tens of megabytes. Larger data is shown by ids alone."""


@dataclass(frozen=True, kw_only=True)
class TourData:
    """The tour's query and names."""

    row: int
    """The row of `test` that is asked with."""
    vector: NDArray[np.float32]
    word: str
    """The query as a word, or empty."""
    known_id: str
    """The id of the data's second row."""
    new_id: str
    """An id that the data do not have."""
    words: Mapping[str, str]
    """Of every id, where the data bring words along."""

    def shown(self, id_: str) -> str:
        """An id for people: `17 (york)`."""
        word = self.word if id_ == self.new_id else self.words.get(id_)
        return f"{id_} ({word})" if word else id_


@step("choose the query of the tour")
def read_tour_data(settings: VertexSettings, source: DataSource, spec: IndexSpec) -> TourData:
    """The first query whose own vector, once it is stored, is the exact nearest neighbor under the index's measure.

    It needs no index: data that does not suit is refused before anything is paid for.

    Raises:
        InvalidInput: none of the first 20 is, or the data has fewer than two rows.
    """
    measure, norm = spec.distance_measure, spec.feature_norm
    with opened(settings, source) as file:
        if file.rows < 2:
            raise InvalidInput("The tour needs at least two rows", value=file.rows, source=source.data)
        queries = file.queries(CANDIDATES)
        nearest = exact_neighbors(file.blocks(), queries, 1, measure=measure, feature_norm=norm)
        query_words, known_id = file.words("test_words", CANDIDATES), file.ids(1, 2)[0]
        new_id = f"new-{file.rows}" if file.has_ids else str(file.rows)
        words = _words(file)
    for row, query in enumerate(queries):
        itself = Block(first_row=0, ids=["itself"], vectors=query[np.newaxis])
        own = exact_neighbors([itself], query[np.newaxis], 1, measure=measure, feature_norm=norm)
        if own.distances[0, 0] < nearest.distances[row, 0]:
            return TourData(
                row=row,
                vector=query,
                word=query_words[row] if query_words else "",
                known_id=known_id,
                new_id=new_id,
                words=words,
            )
    raise InvalidInput(
        f"None of the first {len(queries)} queries is nearer to itself than to every row",
        source=f"dataset test of {source.data}",
        remedy="The tour upserts its query and expects to see it first: use normalized vectors, or other data.",
    )


def _words(file: VectorFile) -> Mapping[str, str]:
    words = file.words("train_words", file.rows) if file.rows <= MOST_WORDS else []
    return dict(zip(file.ids(0, file.rows), words, strict=True)) if words else {}
