"""The nearest rows so far of each of some queries, as flat arrays: what exact searches have in common, whatever they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ExactNeighbors:
    """For each query the nearest rows, nearest first; of equal distances the smaller row first."""

    rows: Rows
    """(queries, most neighbors of a query), row numbers from 0; -1 where a query has fewer."""
    distances: Floats
    """Same shape; smaller is always nearer: minus the dot product, 1 - cosine, squared L2, L1. Infinite where a query has fewer."""
    ids: list[list[str]]
    """The ids of those rows."""


class Nearest:
    """The best so far, those of a query together and sorted by distance, row.

    Args:
        queries: how many there are.
        k: rows to keep for each.
    """

    def __init__(self, queries: int, k: int) -> None:
        self._k = k
        self._query = np.empty(0, dtype=np.int64)
        self.rows = np.empty(0, dtype=np.int64)
        self.distances = np.empty(0, dtype=np.float64)
        self.worst = np.full(queries, np.inf)
        """(queries,): the distance that a further row must not exceed."""

    def merge(self, query: NDArray[np.intp], rows: Rows, distances: Floats) -> None:
        """Add rows, each with the number of its query; what is no longer among the best goes."""
        gains = np.zeros(len(self.worst), np.bool_)
        gains[query] = True
        stays = ~gains[
            self._query
        ]  # what gains nothing is not sorted again: most queries, after the first blocks
        query = np.concatenate([self._query[~stays], query])
        rows = np.concatenate([self.rows[~stays], rows])
        distances = np.concatenate([self.distances[~stays], distances])
        order = np.lexsort((rows, distances, query))
        query, rows, distances = query[order], rows[order], distances[order]
        rank = _ranks(query)
        full = rank == self._k - 1
        self.worst[query[full]] = distances[full]
        keep = rank < self._k
        self._query = np.concatenate([self._query[stays], query[keep]])
        self.rows = np.concatenate([self.rows[stays], rows[keep]])
        self.distances = np.concatenate([self.distances[stays], distances[keep]])

    def table(self) -> tuple[Rows, Floats]:
        """(queries, k) rows and distances, padded with -1 and infinity."""
        rows = np.full((len(self.worst), self._k), -1, dtype=np.int64)
        distances = np.full(rows.shape, np.inf)
        order = np.argsort(self._query, kind="stable")
        query = self._query[order]
        rank = _ranks(query)
        rows[query, rank], distances[query, rank] = self.rows[order], self.distances[order]
        return rows, distances


def _ranks(query: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many entries of the same query are before each, of entries sorted by query."""
    return np.arange(len(query)) - np.searchsorted(query, query)


class Names:
    """The ids of the rows that are among the best; those of others are dropped when they have become many."""

    def __init__(self) -> None:
        self._ids: dict[int, str] = {}

    def add(self, first_row: int, ids: Sequence[str], best: Sequence[Nearest]) -> None:
        """Take the ids that are needed of a block, whose rows are merged."""
        for part in best:
            new: list[int] = part.rows[part.rows >= first_row].tolist()
            for row in new:
                self._ids[row] = ids[row - first_row]
        if len(self._ids) > 2 * sum(len(part.rows) for part in best):
            kept = set[int]().union(*(part.rows.tolist() for part in best))
            self._ids = {row: id_ for row, id_ in self._ids.items() if row in kept}

    def neighbors(self, best: Sequence[Nearest]) -> ExactNeighbors:
        """The neighbors of the queries of all parts, in their order."""
        tables = [part.table() for part in best]
        rows = np.concatenate([rows for rows, _ in tables])
        distances = np.concatenate([distances for _, distances in tables])
        depth = int((rows >= 0).sum(axis=1).max(initial=0))
        ids = [[self._ids[row] for row in line if row >= 0] for line in rows.tolist()]
        return ExactNeighbors(rows[:, :depth], distances[:, :depth], ids)
