"""Scores that a matrix product gives, the nearer the larger, and a proven bound on how far they are off.

A dot product of n terms, rounded in any order and with or without fused operations, is off by at most n u / (1 - n u) times the
sum of the absolute products, where u is half the machine epsilon (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
section 3.1); by Cauchy and Schwarz that sum is at most the product of the two lengths.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

DistanceMeasure = Literal["DOT_PRODUCT_DISTANCE", "COSINE_DISTANCE", "SQUARED_L2_DISTANCE", "L1_DISTANCE"]
Floats = NDArray[np.float64]
FloatType = type[np.float32] | type[np.float64]

TAME = (1e-12, 1e12)
"""Lengths whose squares, products and reciprocals no float32 overflows at; what underflows there is far below the bound."""
_ROUNDED_FACTORS = 8
"""The factors themselves are rounded: scaled ones, on both sides, three times at most, the squared length once."""


class Factors:
    """Vectors in the form in which the matrix product of queries and rows scores their pairs.

    The score is the dot product; with COSINE_DISTANCE the cosine; with SQUARED_L2_DISTANCE the dot product minus half the square
    of the row's length, which is one more dimension: -1/2 of a query, the square of a row.

    Args:
        vectors: (count, dimensions).
        measure: any but L1_DISTANCE, which no product gives.
        scale: whether vectors are scaled to length 1 first; one of length 0 stays.
        of_queries: whether these are queries.
    """

    def __init__(
        self, vectors: NDArray[np.float32], measure: DistanceMeasure, *, scale: bool, of_queries: bool
    ) -> None:
        self.dimensions = vectors.shape[1]
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        least, most = TAME
        self.fit_float32 = bool(((lengths == 0) | (lengths >= least) & (lengths <= most)).all())
        """Whether nothing can overflow or vanish in float32."""
        self.lengths: Floats = np.sign(lengths) if scale else lengths
        self._vectors, self._scale = vectors, 1 / np.where(lengths == 0, 1, lengths) if scale else None
        self._further: Floats | None = None
        if measure == "SQUARED_L2_DISTANCE":
            self._further = np.full(len(vectors), -0.5) if of_queries else self.lengths**2

    @property
    def sizes(self) -> Floats:
        """(count,): the length of each, with the further dimension."""
        return self.lengths if self._further is None else np.hypot(self.lengths, self._further)

    def matrix(self, dtype: FloatType) -> NDArray[Any]:
        """(count, dimensions), or one dimension more."""
        factors = self._vectors.astype(dtype, copy=False)
        if self._scale is not None:
            factors = factors * self._scale.astype(dtype)[:, None]
        if self._further is not None:
            factors = np.concatenate([factors, self._further.astype(dtype)[:, None]], axis=1)
        return factors


def error_bound(queries: Factors, rows: Factors, dimensions: int, dtype: FloatType) -> Floats:
    """(queries,): the most that a score of one of the rows is off, twice over, which covers the terms of higher order.

    Args:
        queries: their factors.
        rows: the rows'.
        dimensions: of the factors.
        dtype: what they are multiplied in.
    """
    unit = float(np.finfo(dtype).eps) / 2
    return 2 * (dimensions + _ROUNDED_FACTORS) * unit * queries.sizes * rows.sizes.max()
