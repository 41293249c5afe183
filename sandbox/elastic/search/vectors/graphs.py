"""Approximate nearest neighbors by a hierarchical navigable small world graph (HNSW), so that `num_candidates` decides what is found.

The graph is faiss's, of Malkov and Yashunin (arXiv:1603.09320) as Lucene's is. It is grown by one thread, so that it is the same in every run.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
CONNECTIONS = 16
"""`m`: neighbors that a vector chooses; the lowest layer keeps up to twice as many (Lucene's default)."""
CONSTRUCTION = 100
"""`ef_construction`: candidates that neighbors are chosen from (Lucene's default)."""


class Graph:
    """A graph over the rows of a matrix.

    Args:
        matrix: float32 rows; of unit length for a cosine.
        is_euclidean: whether the nearest row is that of the smallest distance; else of the largest inner product.
        connections: `m`.
        construction: `ef_construction`.
    """

    def __init__(
        self,
        matrix: Array,
        *,
        is_euclidean: bool = False,
        connections: int = CONNECTIONS,
        construction: int = CONSTRUCTION,
    ) -> None:
        import faiss  # noqa: PLC0415 -- heavy, and only needed for a search of more vectors than num_candidates

        faiss.omp_set_num_threads(1)
        self._faiss: Any = faiss
        metric = faiss.METRIC_L2 if is_euclidean else faiss.METRIC_INNER_PRODUCT
        self._index: Any = faiss.IndexHNSWFlat(matrix.shape[1], connections, metric)
        self._index.hnsw.efConstruction = construction
        self._index.add(np.ascontiguousarray(matrix, np.float32))

    def nearest(self, query: Array, candidates: int) -> list[int]:
        """The rows that a search with that many candidates finds, nearest first."""
        beam = self._faiss.SearchParametersHNSW(efSearch=candidates)
        _, rows = self._index.search(query[None].astype(np.float32), candidates, params=beam)
        return [row for row in rows[0].tolist() if row >= 0]
