"""The nearest rows so far of each of some queries, as flat arrays: what exact searches have in common, whatever they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """The best so far, sorted by query, distance, row.

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
        query = np.concatenate([self._query, query])
        rows = np.concatenate([self.rows, rows])
        distances = np.concatenate([self.distances, distances])
        order = np.lexsort((rows, distances, query))
        query = query[order]
        rank = np.arange(len(query)) - np.searchsorted(query, query)
        keep = rank < self._k
        self._query, self.rows, self.distances = query[keep], rows[order][keep], distances[order][keep]
        full = rank == self._k - 1
        self.worst[query[full]] = distances[order][full]

    def table(self) -> tuple[Rows, Floats]:
        """(queries, k) rows and distances, padded with -1 and infinity."""
        rows = np.full((len(self.worst), self._k), -1, dtype=np.int64)
        distances = np.full(rows.shape, np.inf)
        rank = np.arange(len(self._query)) - np.searchsorted(self._query, self._query)
        rows[self._query, rank], distances[self._query, rank] = self.rows, self.distances
        return rows, distances


def names_of(
    best: Sequence[Nearest], first_row: int, ids: Sequence[str], names: Mapping[int, str]
) -> dict[int, str]:
    """The ids of the rows that are among the best after a block that begins with ``first_row``; of all others none is kept."""
    kept = set[int]().union(*(part.rows.tolist() for part in best))
    return {row: names[row] if row < first_row else ids[row - first_row] for row in kept}


def neighbors_of(best: Sequence[Nearest], names: Mapping[int, str]) -> ExactNeighbors:
    """The neighbors of the queries of all parts, in their order."""
    tables = [part.table() for part in best]
    rows = np.concatenate([rows for rows, _ in tables])
    distances = np.concatenate([distances for _, distances in tables])
    depth = int((rows >= 0).sum(axis=1).max(initial=0))
    ids = [[names[row] for row in line if row >= 0] for line in rows.tolist()]
    return ExactNeighbors(rows[:, :depth], distances[:, :depth], ids)
