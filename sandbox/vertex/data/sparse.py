"""Sparse vectors, and the postings in which their dot products with a query are found.

Dot products whatever the index's distance measure: sparse embeddings have no other one. Does not know which rows are
current: see corpus.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data.vectors import Rows

Products = NDArray[np.float64]


@dataclass(frozen=True)
class SparseVector:
    """Values and where they are located. A dimension named twice counts with the sum of its values."""

    dimensions: Sequence[int]
    values: Sequence[float]


class SparsePostings:
    """For every dimension, the rows that have a value there, in the order of their arrival."""

    def __init__(self) -> None:
        self._rows: dict[int, array[int]] = {}
        self._values: dict[int, array[float]] = {}

    def add(self, row: int, vector: SparseVector) -> None:
        """Enter a row that is not in it."""
        for dimension, value in zip(vector.dimensions, vector.values, strict=True):
            if dimension not in self._rows:
                self._rows[dimension], self._values[dimension] = array("q"), array("f")
            self._rows[dimension].append(row)
            self._values[dimension].append(value)

    def products(self, query: SparseVector, count: int) -> tuple[Rows, Products]:
        """Which of the first `count` rows share a dimension with the query, and the dot product of every row."""
        products = np.zeros(count, "f8")
        shared = np.zeros(count, dtype=np.bool_)
        for dimension, value in zip(query.dimensions, query.values, strict=True):
            posted = self._rows.get(dimension)
            if posted is None:
                continue
            rows = np.array(posted, "i8")
            np.add.at(products, rows, np.array(self._values[dimension], "f8") * value)
            shared[rows] = True
        return np.flatnonzero(shared), products

    def move(self, moved: Rows) -> None:
        """Follow the corpus after a squeeze."""
        for dimension, posted in list(self._rows.items()):
            rows = moved[np.array(posted, "i8")]
            kept = rows >= 0
            self._rows[dimension] = array("q", rows[kept].tolist())
            self._values[dimension] = array("f", np.array(self._values[dimension], "f4")[kept].tolist())
            if not self._rows[dimension]:
                del self._rows[dimension], self._values[dimension]
