"""Two exact rankings merged into the one that a hybrid query should give."""

from __future__ import annotations

import numpy as np

from tasks.measures.nearest import ExactNeighbors


def fused_neighbors(
    dense: ExactNeighbors, sparse: ExactNeighbors, k: int, *, alpha: float, rank_constant: float = 0
) -> ExactNeighbors:
    """Reciprocal rank fusion of the k best of each ranking.

    A row's score is alpha / (c + its rank in the dense ranking) + (1 - alpha) / (c + its rank in the sparse one), ranks from 1; a
    ranking that does not have the row adds nothing.

    Args:
        dense: for each query its dense neighbors.
        sparse: for the same queries their sparse neighbors.
        k: how many of each are merged: as many as a query asks for.
        alpha: the weight of the dense ranking, 0 to 1.
        rank_constant: c. Google's "About hybrid search" explains the fusion by 1 / rank, which is 0 and the default here; the paper
            that the method comes from (Cormack, Clarke, Buettcher, SIGIR 2009) adds 60. Which of them the service computes, and how
            deep the two rankings are that it merges, is not documented.

    Returns:
        Up to 2 k neighbors of each query, so that ties beyond the k-th are known; distances are minus the scores.
    """
    scored = [
        _fused(one[:k], other[:k], alpha, rank_constant)
        for one, other in zip(dense.ids, sparse.ids, strict=True)
    ]
    depth = max((len(each) for each in scored), default=0)
    distances = np.full((len(scored), depth), np.inf)
    for line, each in zip(distances, scored, strict=True):
        line[: len(each)] = [-score for _, score in each]
    rows_of = [_rows_by_id(dense, n) | _rows_by_id(sparse, n) for n in range(len(scored))]
    rows = np.full(distances.shape, -1, dtype=np.int64)
    for line, each, row_of in zip(rows, scored, rows_of, strict=True):
        line[: len(each)] = [row_of[id_] for id_, _ in each]
    return ExactNeighbors(rows, distances, [[id_ for id_, _ in each] for each in scored])


def _fused(
    dense: list[str], sparse: list[str], alpha: float, rank_constant: float
) -> list[tuple[str, float]]:
    scores: dict[str, float] = {}
    for weight, ids in ((alpha, dense), (1 - alpha, sparse)):
        for rank, id_ in enumerate(ids, start=1):
            scores[id_] = scores.get(id_, 0.0) + weight / (rank_constant + rank)
    found = (
        (id_, score) for id_, score in scores.items() if score > 0
    )  # at either end of alpha one ranking counts for nothing
    return sorted(found, key=lambda pair: -pair[1])


def _rows_by_id(neighbors: ExactNeighbors, query: int) -> dict[str, int]:
    return dict(zip(neighbors.ids[query], neighbors.rows[query].tolist(), strict=False))
