"""Nearest neighbors among the rows of one index: by dense vector, by sparse vector, or by both."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.crowding import cheapest_of_each, first_of_each
from sandbox.vertex.data.dense import DenseSearch
from sandbox.vertex.data.fusion import fused
from sandbox.vertex.data.query import Hit, Query
from sandbox.vertex.data.sparse import SparseVector

_GAPS_BEFORE_SQUEEZE = 1024


class Searcher:
    """Searches a corpus and keeps it in shape."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.dense = DenseSearch(corpus)

    def search(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """The neighbors of each query, nearest first."""
        parts = [(query, query.vector) for query in queries if query.vector is not None]
        dense = iter(self.dense.search([query for query, _ in parts], [vector for _, vector in parts]))
        return [self._ranked(query, next(dense) if query.vector is not None else None) for query in queries]

    def build(self) -> None:
        """Build the tree now, if this index has one and enough points."""
        self.dense.build()

    def maintain(self, lock: threading.RLock) -> None:
        """Close gaps, and rebuild a stale tree in a separate thread."""
        if self.dense.building:
            return
        if self.corpus.dead() > max(_GAPS_BEFORE_SQUEEZE, len(self.corpus) // 2):
            self.dense.move(self.corpus.squeeze())
        self.dense.rebuild_if_stale(lock)

    def _ranked(self, query: Query, dense: list[Hit] | None) -> list[Hit]:
        if query.sparse is None:
            return dense or []
        sparse = self._sparse(query, query.sparse)
        if dense is None:
            return sparse
        hits = fused(dense, sparse, query.alpha)
        if query.crowded and hits:
            tags = self.corpus.tags[[hit.row for hit in hits]]
            hits = [hits[position] for position in first_of_each(tags, query.neighbors, query.per_tag)]
        return hits[: query.neighbors]

    def _sparse(self, query: Query, vector: SparseVector) -> list[Hit]:
        corpus = self.corpus
        rows, products = corpus.postings.products(vector, corpus.count)
        current = corpus.sparse
        if query.restricted:
            current = current & corpus.restricts.eligible(corpus.count, query.tokens, query.numbers)
        rows = rows[current[rows]]
        if query.crowded and len(rows):
            rows = cheapest_of_each(rows, -products[rows], corpus.tags, query.neighbors, query.per_tag)
        rows = rows[np.lexsort((rows, -products[rows]))][: query.neighbors]
        return [
            Hit(row, sparse_distance=far)
            for row, far in zip(rows.tolist(), products[rows].tolist(), strict=True)
        ]
