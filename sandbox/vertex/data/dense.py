"""Nearest neighbors by dense vector: exact scans in numpy, ScaNN where the index is a tree-AH one.

Filtered or crowded queries scan the eligible rows exactly, since ScaNN knows neither; so does everything that was
streamed in after the tree was built, merged with what the tree finds. Rows without a dense vector are never found.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.crowding import cheapest_of_each
from sandbox.vertex.data.query import Hit, Query
from sandbox.vertex.data.tree import LEAST_POINTS, LeafTree
from sandbox.vertex.data.vectors import Rows, Vectors, normalised

_SHARE_BEFORE_REBUILD = 0.2
_NARROW = 4
"""If fewer than one row in this number is eligible, the rows are gathered; otherwise one matrix product covers all."""
_L1_BLOCK = 65536
Distances = NDArray[np.float64]


class DenseSearch:
    """Searches the dense vectors of a corpus and keeps its tree in shape."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._tree: LeafTree | None = None
        self._changes_then = 0
        """The corpus's changes when the tree's rows were taken."""
        self._building = False

    def search(self, queries: Sequence[Query], vectors: Sequence[Vectors]) -> list[list[Hit]]:
        """The neighbors of each query by its vector, nearest first."""
        found: list[list[Hit]] = [[] for _ in queries]
        if not queries or not self.corpus.dense.any():
            return found
        sought = np.stack(vectors)
        if self.corpus.normalises:
            sought = normalised(sought)
        broad: dict[int, Rows] = {}
        for number, query in enumerate(queries):
            if self._tree and not query.restricted and not query.crowded:
                found[number] = self._through_tree(self._tree, query, sought[number])
                continue
            # Not before: to list all rows takes as long as the whole search through a tree.
            rows = self._eligible(query) if query.restricted else np.flatnonzero(self.corpus.dense)
            if len(rows) * _NARROW < self.corpus.count:
                costs = self._costs(self.corpus.scanned[rows], sought[number][None, :])[0]
                found[number] = self._exact(query, sought[number], rows, costs)
            else:
                broad[number] = rows
        if broad:
            all_costs = self._costs(self.corpus.scanned, sought[list(broad)])
            for line, (number, rows) in zip(all_costs, broad.items(), strict=True):
                costs = line if len(rows) == len(line) else line[rows]
                found[number] = self._exact(queries[number], sought[number], rows, costs)
        return found

    def build(self) -> None:
        """Build the tree now, if this index has one and enough points."""
        rows = np.flatnonzero(self.corpus.dense)
        if self._wants_tree(len(rows)):
            self._changes_then = self.corpus.changes
            self._tree = LeafTree.build(self.corpus.scanned[rows], rows, self.corpus.config)

    @property
    def building(self) -> bool:
        """Whether a tree is being built; rows must not move under the builder."""
        return self._building

    def move(self, moved: Rows) -> None:
        """Follow the corpus after a squeeze."""
        if self._tree:
            self._tree.move(moved)

    def rebuild_if_stale(self, lock: threading.RLock) -> None:
        """Rebuild a tree that lacks a fifth of the rows, in a separate thread."""
        if self.stale():
            self._building = True
            threading.Thread(target=self._rebuild, args=(lock,), name="tree", daemon=True).start()

    def stale(self) -> bool:
        """Whether there should be a tree and is none, or the other way round, or it lacks a fifth of the rows."""
        size = int(np.count_nonzero(self.corpus.dense))
        if self._tree is None or not self._wants_tree(size):
            return self._wants_tree(size) != (self._tree is not None)
        if self.corpus.changes - self._changes_then <= _SHARE_BEFORE_REBUILD * size:
            return False  # without a look at every row, which takes longer than an upsert
        return self._tree.changed(self.corpus.dense) > _SHARE_BEFORE_REBUILD * size

    def _wants_tree(self, points: int) -> bool:
        config = self.corpus.config
        if not config.tree or config.distance == "L1_DISTANCE":  # ScaNN has no L1
            return False
        return points >= LEAST_POINTS and points > config.tree.leaf_size

    def _rebuild(self, lock: threading.RLock) -> None:
        try:
            with lock:
                rows, changes = np.flatnonzero(self.corpus.dense), self.corpus.changes
                vectors, config = self.corpus.scanned[rows], self.corpus.config  # a copy
            tree = LeafTree.build(vectors, rows, config) if self._wants_tree(len(rows)) else None
            with lock:
                self._tree, self._changes_then = tree, changes
        finally:
            self._building = False

    def _eligible(self, query: Query) -> Rows:
        mask = self.corpus.restricts.eligible(self.corpus.count, query.tokens, query.numbers)
        return np.flatnonzero(mask & self.corpus.dense)

    def _exact(self, query: Query, vector: Vectors, rows: Rows, costs: NDArray[np.float32]) -> list[Hit]:
        if query.crowded and len(rows):
            rows = cheapest_of_each(rows, costs, self.corpus.tags, query.neighbors, query.per_tag)
            return self._hits(rows, vector)
        return self._best(rows, costs, vector, query.neighbors)

    def _through_tree(self, tree: LeafTree, query: Query, vector: Vectors) -> list[Hit]:
        current = self.corpus.dense
        rows = tree.search(vector, query.neighbors, query.approximate, query.leaf_fraction, current)
        beside = tree.beside(current)
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
