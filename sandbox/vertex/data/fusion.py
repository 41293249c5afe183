"""One ranking made of a dense and a sparse one."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.vertex.data.query import Hit


def fused(dense: Sequence[Hit], sparse: Sequence[Hit], alpha: float) -> list[Hit]:
    """Both rankings merged by reciprocal rank fusion, best first; in a tie the older row comes first.

    A row's score is alpha / rank in the dense ranking + (1 - alpha) / rank in the sparse one. "About hybrid search"
    (docs/sources.md) explains it so, without the constant that the literature adds to a rank.
    """
    scores: dict[int, float] = {}
    for weight, hits in ((alpha, dense), (1 - alpha, sparse)):
        for rank, hit in enumerate(hits, start=1):
            scores[hit.row] = scores.get(hit.row, 0.0) + weight / rank
    distances = {hit.row: hit.distance for hit in dense}
    sparse_distances = {hit.row: hit.sparse_distance for hit in sparse}
    return [
        Hit(row, distances.get(row, 0.0), sparse_distances.get(row, 0.0))
        for row in sorted(scores, key=lambda row: (-scores[row], row))
    ]
