"""Nearest neighbors among the rows of one index: exact scans in numpy, ScaNN where the index is a tree-AH one.

Filtered or crowded queries scan the eligible rows exactly, since ScaNN knows neither; so does everything that was
streamed in after the tree was built, merged with what the tree finds.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data.corpus import UNTAGGED, Corpus, Vectors, normalised
from sandbox.vertex.data.restricts import Number, Tokens
from sandbox.vertex.data.tree import LEAST_POINTS, LeafTree

DEFAULT_NEIGHBORS = 10
_GAPS_BEFORE_SQUEEZE = 1024
_SHARE_BEFORE_REBUILD = 0.2
_NARROW = 4
"""If fewer than one row in this number is eligible, the rows are gathered; otherwise one matrix product covers all."""
_L1_BLOCK = 65536
_FIRST_LOOK = 256
Rows = NDArray[np.int64]
Distances = NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """A query in the words of no protocol."""

    vector: Vectors
    neighbors: int = DEFAULT_NEIGHBORS
    per_tag: int = 0
    """The most neighbors that may share a crowding tag; 0 means no limit."""
    approximate: int = 0
    """Candidates before exact reordering; 0 means the index's own number."""
    leaf_fraction: float = 0.0
    """Share of leaves to search; 0 means the index's own."""
    tokens: Sequence[Tokens] = ()
    numbers: Sequence[Number] = ()

    @property
    def plain(self) -> bool:
        """Whether every row is eligible."""
        return not self.tokens and not self.numbers and not 0 < self.per_tag < self.neighbors


@dataclass(frozen=True)
class Hit:
    """A neighbor: its row and its distance as the service reports it."""

    row: int
    distance: float


class Searcher:
    """Searches a corpus and keeps its tree in shape."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._tree: LeafTree | None = None
        self._building = False

    def search(self, queries: Sequence[Query]) -> list[list[Hit]]:
        """The neighbors of each query, nearest first."""
        vectors = np.stack([query.vector for query in queries])
        if self.corpus.config.unit_norm or self.corpus.config.distance == "COSINE_DISTANCE":
            vectors = normalised(vectors)
        found: list[list[Hit]] = [[] for _ in queries]
        if not len(self.corpus):
            return found
        everybody = np.flatnonzero(self.corpus.alive)
        broad: dict[int, Rows] = {}
        for number, query in enumerate(queries):
            if query.plain and self._tree:
                found[number] = self._through_tree(query, vectors[number])
                continue
            rows = self._eligible(query) if query.tokens or query.numbers else everybody
            if len(rows) * _NARROW < self.corpus.count:
                costs = self._costs(self.corpus.scanned[rows], vectors[number][None, :])[0]
                found[number] = self._exact(query, vectors[number], rows, costs)
            else:
                broad[number] = rows
        if broad:
            all_costs = self._costs(self.corpus.scanned, vectors[list(broad)])
            for line, (number, rows) in zip(all_costs, broad.items(), strict=True):
                costs = line if len(rows) == len(line) else line[rows]
                found[number] = self._exact(queries[number], vectors[number], rows, costs)
        return found

    def build(self) -> None:
        """Build the tree now, if this index has one and enough points."""
        rows = np.flatnonzero(self.corpus.alive)
        if self._wants_tree(len(rows)):
            self._tree = LeafTree.build(self.corpus.scanned[rows], rows, self.corpus.config)

    def maintain(self, lock: threading.RLock) -> None:
        """Close gaps, and rebuild a tree that lacks a fifth of the rows, in a separate thread."""
        if self._building:  # rows must not move under the builder
            return
        if self.corpus.dead() > max(_GAPS_BEFORE_SQUEEZE, len(self.corpus) // 5):
            moved = self.corpus.squeeze()
            if self._tree:
                self._tree.move(moved)
        if self._stale():
            self._building = True
            threading.Thread(target=self._rebuild, args=(lock,), name="tree", daemon=True).start()

    def _wants_tree(self, points: int) -> bool:
        config = self.corpus.config
        if not config.tree or config.distance == "L1_DISTANCE":  # ScaNN has no L1
            return False
        return points >= LEAST_POINTS and points > config.tree.leaf_size

    def _stale(self) -> bool:
        size = len(self.corpus)
        if self._tree is None or not self._wants_tree(size):
            return self._wants_tree(size) != (self._tree is not None)
        return self._tree.changed(self.corpus.alive) > _SHARE_BEFORE_REBUILD * size

    def _rebuild(self, lock: threading.RLock) -> None:
        try:
            with lock:
                rows = np.flatnonzero(self.corpus.alive)
                vectors, config = self.corpus.scanned[rows], self.corpus.config  # a copy
            tree = LeafTree.build(vectors, rows, config) if self._wants_tree(len(rows)) else None
            with lock:
                self._tree = tree
        finally:
            self._building = False

    def _eligible(self, query: Query) -> Rows:
        mask = self.corpus.restricts.eligible(self.corpus.count, query.tokens, query.numbers)
        return np.flatnonzero(mask & self.corpus.alive)

    def _exact(self, query: Query, vector: Vectors, rows: Rows, costs: NDArray[np.float32]) -> list[Hit]:
        if 0 < query.per_tag < query.neighbors and len(rows):
            rows = _crowded(rows, costs, self.corpus.tags, query.neighbors, query.per_tag)
            return self._hits(rows, vector)
        return self._best(rows, costs, vector, query.neighbors)

    def _through_tree(self, query: Query, vector: Vectors) -> list[Hit]:
        tree = self._tree
        if tree is None:
            raise RuntimeError("there is no tree")
        rows = tree.search(vector, query.neighbors, query.approximate, query.leaf_fraction, self.corpus.alive)
        beside = tree.beside(self.corpus.alive)
        if len(beside):
            rows = np.concatenate([rows, beside])
        costs = self._costs(self.corpus.scanned[rows], vector[None, :])[0]
        return self._best(rows, costs, vector, query.neighbors)

    def _best(self, rows: Rows, costs: NDArray[np.float32], vector: Vectors, count: int) -> list[Hit]:
        """The `count` cheapest of `rows`."""
        if len(rows) > count:
            rows = rows[np.argpartition(costs, count - 1)[:count]]
        return self._hits(rows, vector)

    def _hits(self, rows: Rows, vector: Vectors) -> list[Hit]:
        """These rows with their exact distances, nearest first."""
        distances = self._distances(rows, vector)
        sign = -1.0 if self.corpus.config.distance == "DOT_PRODUCT_DISTANCE" else 1.0
        order = np.lexsort((rows, sign * distances))
        return [
            Hit(row, far) for row, far in zip(rows[order].tolist(), distances[order].tolist(), strict=True)
        ]

    def _costs(self, vectors: Vectors, queries: Vectors) -> NDArray[np.float32]:
        """What orders the rows for each query, the lower the nearer; one matrix product for all."""
        distance = self.corpus.config.distance
        if distance == "L1_DISTANCE":
            costs = np.empty((len(queries), len(vectors)), "f4")
            for number, query in enumerate(queries):
                for start in range(0, len(vectors), _L1_BLOCK):
                    block = slice(start, start + _L1_BLOCK)
                    costs[number, block] = np.abs(vectors[block] - query).sum(axis=1)
            return costs
        products = queries @ vectors.T
        if distance == "SQUARED_L2_DISTANCE":
            return np.einsum("ij,ij->i", vectors, vectors)[None, :] - 2 * products
        return -products

    def _distances(self, rows: Rows, vector: Vectors) -> Distances:
        """As the stand-in reports them: the dot product itself, 1 - cosine, L2 squared, L1 (docs/sources.md says why)."""
        vectors, query = self.corpus.scanned[rows].astype("f8"), vector.astype("f8")
        distance = self.corpus.config.distance
        if distance == "DOT_PRODUCT_DISTANCE":
            return vectors @ query
        if distance == "COSINE_DISTANCE":
            return 1.0 - vectors @ query
        difference = vectors - query
        return np.abs(difference).sum(axis=1) if distance == "L1_DISTANCE" else (difference**2).sum(axis=1)


def _crowded(
    rows: Rows, costs: NDArray[np.float32], tags: NDArray[np.int32], count: int, per_tag: int
) -> Rows:
    """The `count` cheapest of `rows` with at most `per_tag` of each tag; untagged rows are not limited."""
    own = tags[rows]
    sizes = np.bincount(own - UNTAGGED)
    count = min(count, int(sizes[0]) + int(np.minimum(sizes[1:], per_tag).sum()))
    looked_at = max(_FIRST_LOOK, 4 * count)
    while True:
        nearest = (
            np.argpartition(costs, looked_at - 1)[:looked_at]
            if looked_at < len(rows)
            else np.arange(len(rows))
        )
        nearest = nearest[np.argsort(costs[nearest], kind="stable")]
        kept = _first_of_each(own[nearest], count, per_tag)
        if len(kept) == count:
            return rows[nearest[kept]]
        looked_at *= 8


def _first_of_each(tags: NDArray[np.int32], count: int, per_tag: int) -> list[int]:
    taken: dict[int, int] = {}
    kept: list[int] = []
    for position, tag in enumerate(tags.tolist()):
        if len(kept) == count:
            break
        if tag == UNTAGGED:
            kept.append(position)
        elif taken.get(tag, 0) < per_tag:
            taken[tag] = taken.get(tag, 0) + 1
            kept.append(position)
    return kept
