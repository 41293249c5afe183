"""Exact neighbors of sparse vectors: what a sparse search is measured against.

A row's score is the dot product over the dimensions that it shares with the query, in float64, whatever the measure of the
index: sparse vectors have no other ("Index configuration parameters"). A row that shares no dimension is not found at all
("About hybrid search"), so a query may have fewer neighbors than are asked for.

Every shared dimension of every pair counts. Blocks of rows stream through; memory grows with queries times k, never with rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.measures.nearest import ExactNeighbors, Floats, Names, Nearest

_QUERIES_AT_ONCE = 256
_TABLE = 2**20
"""Most pairs of a row and a query whose scores are summed up at once: 8 MiB."""
_PRODUCTS = 2**20
"""Most products of two values at once, in five arrays of 8 MiB."""


class SparseVectors(Protocol):
    """Rows in compressed sparse rows."""

    @property
    def begins(self) -> NDArray[np.int64]:
        """(rows + 1,): where each row begins, and where the last one ends."""
        ...

    @property
    def dimensions(self) -> NDArray[np.int64]:
        """(values,)."""
        ...

    @property
    def values(self) -> NDArray[np.float32]:
        """(values,), finite."""
        ...


class SparseBlock(Protocol):
    """Neighboring rows of the data."""

    @property
    def first_row(self) -> int:
        """The number of the first of them, from 0."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """The id of each."""
        ...

    @property
    def sparse(self) -> SparseVectors | None:
        """Their sparse vectors; None: they have none."""
        ...


def exact_sparse_neighbors(blocks: Iterable[SparseBlock], queries: SparseVectors, k: int) -> ExactNeighbors:
    """The k rows with the largest dot products for each query, among those that share a dimension with it.

    Args:
        blocks: all rows, in their order.
        queries: at least one; a dimension that occurs twice counts with the sum of its values, in rows too.
        k: neighbors per query, at least 1.

    Returns:
        Distances are minus the dot products.

    Raises:
        ValueError: k below 1, or no queries.
    """
    count = len(queries.begins) - 1
    if k < 1 or count < 1:
        raise ValueError(f"k is {k}, and there are {count} queries")
    best = [
        _Best(queries, start, min(start + _QUERIES_AT_ONCE, count), k)
        for start in range(0, count, _QUERIES_AT_ONCE)
    ]
    names, nearest = Names(), [part.nearest for part in best]
    for block in blocks:
        if block.sparse is None:
            continue
        for part in best:
            part.add(block.sparse, block.first_row)
        names.add(block.first_row, block.ids, nearest)
    return names.neighbors(nearest)


class _Best:
    """The best so far of the queries start to stop (excluded)."""

    def __init__(self, queries: SparseVectors, start: int, stop: int, k: int) -> None:
        self._count = stop - start
        begins = queries.begins[start : stop + 1]
        part = slice(begins[0], begins[-1])
        order = np.argsort(queries.dimensions[part], kind="stable")
        # The queries' values by dimension: which queries have one is found by bisection.
        self._dimensions = queries.dimensions[part][order]
        self._values = queries.values[part][order].astype(np.float64)
        self._queries = np.repeat(np.arange(self._count), np.diff(begins))[order]
        self.nearest = Nearest(self._count, k)

    def add(self, rows: SparseVectors, first_row: int) -> None:
        step = max(1, _TABLE // self._count)
        for start in range(0, len(rows.begins) - 1, step):
            begins = rows.begins[start : start + step + 1]
            scores, shared = self._scores(rows, begins)
            row, query = np.nonzero(shared & (-scores <= self.nearest.worst[None, :]))
            self.nearest.merge(query, row + start + first_row, -scores[row, query])

    def _scores(self, rows: SparseVectors, begins: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
        """(rows, queries) dot products, and which of the pairs share a dimension."""
        size = (len(begins) - 1) * self._count
        scores, shared = np.zeros(size), np.zeros(size, np.bool_)
        part = slice(begins[0], begins[-1])
        of_row = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        first = np.searchsorted(self._dimensions, rows.dimensions[part], side="left")
        counts = np.searchsorted(self._dimensions, rows.dimensions[part], side="right") - first
        met = np.flatnonzero(counts)
        for some in _parts(met, counts):
            each = np.repeat(some, counts[some])
            position = np.arange(len(each)) - np.repeat(np.cumsum(counts[some]) - counts[some], counts[some])
            at = first[each] + position
            pair = of_row[each] * self._count + self._queries[at]
            scores += np.bincount(pair, rows.values[part][each].astype(np.float64) * self._values[at], size)
            shared[pair] = True
        return scores.reshape(-1, self._count), shared.reshape(-1, self._count)


def _parts(met: NDArray[np.intp], counts: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """The values that meet a query's, in parts of a bounded number of products."""
    products = np.cumsum(counts[met])
    start = 0
    while start < len(met):
        before = products[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(products, before + _PRODUCTS, side="right")))
        yield met[start:stop]
        start = stop
