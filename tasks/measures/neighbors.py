"""Exact nearest neighbors: what an approximate index is measured against, under the index's own distance measure.

Every row is compared with every query, in float64. The rows stream through in blocks, so memory grows with queries
times k and with the block, never with the rows. Nothing is approximated, and the ``neighbors`` of a data
file are not used: they hold for the measure of whoever wrote it.

Measures and feature norms are spelled as in Index.metadata (Vertex AI, "Index configuration parameters").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.measures.nearest import ExactNeighbors, Floats, Nearest, names_of, neighbors_of

DistanceMeasure = Literal["DOT_PRODUCT_DISTANCE", "COSINE_DISTANCE", "SQUARED_L2_DISTANCE", "L1_DISTANCE"]
FeatureNorm = Literal["NONE", "UNIT_L2_NORM"]

_QUERIES_AT_ONCE = 256
"""Bounds the table of estimates: 256 queries by a block of 4,096 rows are 8 MiB."""
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
    best = [
        _Best(asked[i : i + _QUERIES_AT_ONCE], k, measure) for i in range(0, len(asked), _QUERIES_AT_ONCE)
    ]
    names: dict[int, str] = {}
    for block in blocks:
        vectors = _prepare(block.vectors, scale=scale)
        for part in best:
            part.add(vectors, block.first_row)
        names = names_of([part.nearest for part in best], block.first_row, block.ids, names)
    return neighbors_of([part.nearest for part in best], names)


def _prepare(vectors: NDArray[np.float32], *, scale: bool) -> Floats:
    wide = vectors.astype(np.float64)
    if scale:
        lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
        wide /= np.where(lengths == 0, 1, lengths)
    return wide


class _Best:
    """The best so far of some queries.

    The matrix product that finds candidates rounds differently from one position in a block to another, so it only
    chooses them, generously; the distances that decide are summed in an order that depends on the two vectors alone.
    Otherwise equal vectors could differ in the last bit and the answer depend on the blocks.
    """

    def __init__(self, queries: Floats, k: int, measure: DistanceMeasure) -> None:
        self.queries, self._k = queries, k
        self._measure: DistanceMeasure = measure
        self._lengths = np.sqrt((queries * queries).sum(axis=1))
        self.nearest = Nearest(len(queries), k)

    def add(self, vectors: Floats, first_row: int) -> None:
        estimates, slack = self._estimate(vectors)
        limit = self.nearest.worst + slack
        if (
            len(vectors) > self._k and np.isinf(self.nearest.worst).any()
        ):  # the first blocks: nothing to beat yet
            within = np.partition(estimates, self._k - 1, axis=1)[:, self._k - 1]
            limit = np.minimum(limit, within + 2 * slack)
        query, position = np.nonzero(estimates <= limit[:, None])
        self.nearest.merge(query, position + first_row, self._exact(query, vectors, position))

    def _estimate(self, vectors: Floats) -> tuple[Floats, Floats]:
        """(queries, rows) distances, and for each query how far they may be off."""
        if self._measure == "L1_DISTANCE":
            table = np.stack([np.abs(vectors - query).sum(axis=1) for query in self.queries])
            return table, 8 * vectors.shape[1] * _EPSILON * (1 + table.max(axis=1))
        products = self.queries @ vectors.T
        squares = (vectors * vectors).sum(axis=1)
        longest = float(np.sqrt(squares.max()))
        rounding = 8 * vectors.shape[1] * _EPSILON
        if self._measure == "SQUARED_L2_DISTANCE":
            table = squares[None, :] - 2 * products + (self._lengths**2)[:, None]
            return table, rounding * (self._lengths + longest) ** 2
        table = 1 - products if self._measure == "COSINE_DISTANCE" else -products
        return table, rounding * (1 + self._lengths * longest)

    def _exact(self, query: NDArray[np.intp], vectors: Floats, position: NDArray[np.intp]) -> Floats:
        distances = np.empty(len(query))
        step = max(1, _PAIR_FLOATS // vectors.shape[1])
        for start in range(0, len(query), step):
            some = slice(start, start + step)
            asked, found = self.queries[query[some]], vectors[position[some]]
            distances[some] = _distance(asked, found, self._measure)
        return distances


def _distance(asked: Floats, found: Floats, measure: DistanceMeasure) -> Floats:
    """Row by row."""
    if measure == "L1_DISTANCE":
        return np.abs(asked - found).sum(axis=1)
    if measure == "SQUARED_L2_DISTANCE":
        return ((asked - found) ** 2).sum(axis=1)
    products = (asked * found).sum(axis=1)
    return 1 - products if measure == "COSINE_DISTANCE" else -products
