"""A ScaNN tree over a snapshot of rows: the algorithm that Vertex AI Vector Search itself is made of.

Knows the snapshot only; rows that changed since are masked out here and scanned exactly by the searcher.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data.metadata import Config, Tree
from sandbox.vertex.data.vectors import Rows, Vectors

LEAST_POINTS = 1000
_TRAINING_SAMPLE = 250_000


@dataclass
class LeafTree:
    """Leaves over the rows of a snapshot."""

    rows: Rows
    """The corpus row of each point of the snapshot; -1 where it is gone."""
    settings: Tree
    leaves: int
    candidates: int
    _searcher: Any
    _end: int
    """Rows from here on came after the snapshot."""

    @classmethod
    def build(cls, vectors: Vectors, rows: Rows, config: Config) -> LeafTree:
        """Train a tree; about a second for 10,000 x 100."""
        import scann  # noqa: PLC0415 - heavy, and only needed for big tree-AH indexes

        settings = config.tree or Tree()
        leaves = math.ceil(len(rows) / settings.leaf_size)
        measure = "squared_l2" if config.distance == "SQUARED_L2_DISTANCE" else "dot_product"
        candidates = max(config.approximate_neighbors, 1)
        builder: Any = scann.scann_ops_pybind.builder(vectors, 10, measure)
        tree: Any = builder.tree(
            num_leaves=leaves,
            num_leaves_to_search=_share(leaves, settings.fraction),
            training_sample_size=min(len(rows), _TRAINING_SAMPLE),
        )
        searcher = tree.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(candidates).build()
        return cls(rows.copy(), settings, leaves, candidates, searcher, int(rows[-1]) + 1 if len(rows) else 0)

    def search(
        self, vector: Vectors, neighbors: int, approximate: int, fraction: float, alive: NDArray[np.bool_]
    ) -> Rows:
        """About `neighbors` current rows near `vector`, in no particular order."""
        leaves = _share(self.leaves, fraction or self.settings.fraction)
        wanted = neighbors + 10
        rows = self._ask(vector, wanted, approximate, leaves, alive)
        if len(rows) < neighbors and (gone := self._gone(alive)):
            rows = self._ask(vector, neighbors + gone, approximate, leaves, alive)
        return rows

    def beside(self, alive: NDArray[np.bool_]) -> Rows:
        """The current rows that the tree does not know."""
        return np.flatnonzero(alive[self._end :]) + self._end

    def changed(self, alive: NDArray[np.bool_]) -> int:
        """How many rows were replaced, removed or added since the snapshot."""
        return self._gone(alive) + int(alive[self._end :].sum())

    def move(self, moved: Rows) -> None:
        """Follow the corpus after a squeeze."""
        before = moved[: self._end]
        self._end = int((before >= 0).sum())
        self.rows = np.where(self.rows >= 0, moved[self.rows], -1)

    def _ask(
        self, vector: Vectors, neighbors: int, approximate: int, leaves: int, alive: NDArray[np.bool_]
    ) -> Rows:
        final = min(neighbors, len(self.rows))
        before_reordering = max(approximate or self.candidates, final)
        points, _ = self._searcher.search(vector, final, before_reordering, leaves)
        rows = self.rows[np.asarray(points, "i8")]
        rows = rows[rows >= 0]
        return rows[alive[rows]]

    def _gone(self, alive: NDArray[np.bool_]) -> int:
        known = self.rows[self.rows >= 0]
        return len(self.rows) - int(alive[known].sum())


def _share(leaves: int, fraction: float) -> int:
    return min(leaves, max(1, round(leaves * fraction)))
