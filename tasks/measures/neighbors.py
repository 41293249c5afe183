"""Exact nearest neighbors: what an approximate index is measured against, under the index's own distance measure.

Every row is compared with every query. A matrix product in float32 says which rows can be among the nearest at all, by a
bound on its rounding errors (tasks/measures/scores.py), and float64 decides between these: the neighbors are those that float64
alone would find, in less than twice the time of the product (benchmarks/neighbors.py). The rows stream through in blocks, so
memory grows with queries times k and with the block, never with the rows. The ``neighbors`` of a data file are not used: they hold
for the measure of whoever wrote it.

Measures and feature norms are spelled as in Index.metadata (Vertex AI, "Index configuration parameters").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.measures.nearest import ExactNeighbors, Floats, Names, Nearest
from tasks.measures.scores import DistanceMeasure, Factors, error_bound

FeatureNorm = Literal["NONE", "UNIT_L2_NORM"]

_QUERIES_AT_ONCE = 256
"""Bounds the table of scores: 256 queries by a block of 4,096 rows are 4 MiB of float32, which a processor's cache holds."""
_PAIR_FLOATS = 2**20
"""Bounds the exact second look: as many floats of each side at once, 8 MiB."""
_EPSILON = float(np.finfo(np.float64).eps)


class Block(Protocol):
    """Neighboring rows of the data, whatever file or engine they come from."""

    @property
    def first_row(self) -> int:
        """The number of the first of them, from 0."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """The id of each."""
        ...

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(rows, dimensions), finite."""
        ...


def exact_neighbors(
    blocks: Iterable[Block],
    queries: NDArray[np.float32],
    k: int,
    *,
    measure: DistanceMeasure,
    feature_norm: FeatureNorm = "NONE",
) -> ExactNeighbors:
    """The k nearest rows of each query.

    Args:
        blocks: all rows, in their order.
        queries: (queries, dimensions), finite.
        k: neighbors per query, at least 1. For recall, request more than are measured, so that ties beyond the
            k-th are known (tasks/measures/recall.py).
        measure: the index's distanceMeasureType.
        feature_norm: the index's featureNormType. With UNIT_L2_NORM rows and queries are scaled to length 1 first
            (that the service scales the query too is an assumption; it matters for L1 and squared L2 only).

    A vector of length 0 stays as it is, and its cosine with anything counts as 0.

    Raises:
        ValueError: k below 1, no queries, or queries that are not a matrix.
    """
    if k < 1 or queries.ndim != 2 or not len(queries):
        raise ValueError(f"k is {k}, queries have the shape {queries.shape}")
    scale = feature_norm == "UNIT_L2_NORM" or measure == "COSINE_DISTANCE"
    asked = _prepare(queries, scale=scale)
    search = (
        _L1(asked, k, scale=scale)
        if measure == "L1_DISTANCE"
        else _Products(queries, k, measure, scale=scale)
    )
    nearest = Nearest(len(queries), k)
    names = Names()
    for block in blocks:
        query, position = search.near(block.vectors, nearest.worst)
        distances = np.empty(len(query))
        step = max(1, _PAIR_FLOATS // queries.shape[1])
        for start in range(0, len(query), step):
            some = slice(start, start + step)
            found = _prepare(block.vectors[position[some]], scale=scale)
            distances[some] = _distance(asked[query[some]], found, measure)
        nearest.merge(query, position + block.first_row, distances)
        names.add(block.first_row, block.ids, [nearest])
    return names.neighbors([nearest])


def _prepare(vectors: NDArray[np.float32], *, scale: bool) -> Floats:
    wide = vectors.astype(np.float64)
    if scale:
        lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
        wide /= np.where(lengths == 0, 1, lengths)
    return wide


def _distance(asked: Floats, found: Floats, measure: DistanceMeasure) -> Floats:
    """Row by row, summed in an order that depends on the two vectors alone.

    A matrix product rounds differently from one position in a block to another: equal vectors would differ in the last
    bit, and the answer depend on the blocks.
    """
    if measure == "L1_DISTANCE":
        return np.abs(asked - found).sum(axis=1)
    if measure == "SQUARED_L2_DISTANCE":
        return ((asked - found) ** 2).sum(axis=1)
    products = (asked * found).sum(axis=1)
    return 1 - products if measure == "COSINE_DISTANCE" else -products


Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The numbers of queries, and of rows in a block."""


class _Products:
    """Finds the rows that can be among the nearest with a matrix product."""

    def __init__(
        self, queries: NDArray[np.float32], k: int, measure: DistanceMeasure, *, scale: bool
    ) -> None:
        self._k, self._scale = k, scale
        self._measure: DistanceMeasure = measure
        self._queries = Factors(queries, measure, scale=scale, of_queries=True)

    def near(self, vectors: NDArray[np.float32], worst: Floats) -> Pairs:
        """The pairs whose distance may be at most the query's worst, or among the k smallest of the block where that is infinite."""
        rows = Factors(vectors, self._measure, scale=self._scale, of_queries=False)
        dtype = np.float32 if self._queries.fit_float32 and rows.fit_float32 else np.float64
        queries, matrix = self._queries.matrix(dtype), rows.matrix(dtype)
        slack = error_bound(self._queries, rows, matrix.shape[1], dtype) + self._slack_of_distances(rows)
        limits = self._scores(worst) - slack
        found = list[NDArray[np.intp]]()
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            table, limit = queries[part] @ matrix.T, limits[part]
            if (
                len(vectors) > self._k and np.isinf(worst[part]).any()
            ):  # the first blocks: nothing to beat yet
                within = np.partition(table, -self._k, axis=1)[:, -self._k]
                limit = np.maximum(limit, within - 2 * slack[part])
            with np.errstate(
                over="ignore"
            ):  # what no float32 can hold is infinite, and all or nothing is beyond it
                least = np.nextafter(limit.astype(dtype), -np.inf, dtype=dtype)
            # One dimension: there NumPy skips over what is False many at a time.
            found.append(np.flatnonzero(table >= least[:, None]) + start * len(vectors))
        return np.divmod(np.concatenate(found), len(vectors))

    def _scores(self, distances: Floats) -> Floats:
        """For each query the score that a row of this distance has."""
        if self._measure == "SQUARED_L2_DISTANCE":
            return (self._queries.lengths**2 - distances) / 2
        return 1 - distances if self._measure == "COSINE_DISTANCE" else -distances

    def _slack_of_distances(self, rows: Factors) -> Floats:
        """What the float64 that decides may be off itself, as a score: it is that which a row is not to be left out by."""
        lengths, longest = self._queries.lengths, rows.lengths.max()
        size = (lengths + longest) ** 2 if self._measure == "SQUARED_L2_DISTANCE" else lengths * longest
        size += self._measure == "COSINE_DISTANCE"
        return 8 * rows.dimensions * float(np.finfo(np.float64).eps) * size


class _L1:
    """Computes every distance: no matrix product gives them."""

    def __init__(self, queries: Floats, k: int, *, scale: bool) -> None:
        self._queries, self._k, self._scale = queries, k, scale

    def near(self, vectors: NDArray[np.float32], worst: Floats) -> Pairs:
        """See _Products."""
        rows, found = _prepare(vectors, scale=self._scale), list[NDArray[np.intp]]()
        for query, limit in zip(self._queries, worst, strict=True):
            distances = np.abs(rows - query).sum(axis=1)
            if np.isinf(limit) and len(rows) > self._k:
                limit = np.partition(distances, self._k - 1)[self._k - 1]  # noqa: PLW2901
            found.append(np.flatnonzero(distances <= limit))
        return np.repeat(np.arange(len(found)), [len(each) for each in found]), np.concatenate(found)
