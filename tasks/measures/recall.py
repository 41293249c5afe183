"""How many of the true neighbors an index finds, whichever index it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.measures.nearest import ExactNeighbors

TIE = 1e-6
"""How far beyond the k-th true distance still counts as tied, relative to it but at least absolute: the rounding of a
float32 index. ann-benchmarks allows an absolute 1e-3, which is generous where distances are small."""


def recall_by_query(found_ids: Sequence[Sequence[str]], truth: ExactNeighbors, k: int) -> list[float]:
    """recall@k of each query, 0 to 1.

    The first k found ids of a query, each once, are hits when their true distance is at most d + TIE * max(1, |d|),
    where d is the k-th true distance; recall is hits / k, at most 1. So an index that returns another of several rows
    at equal distance is not blamed. ``truth`` must reach beyond k for that: the ties it does not hold are misses.
    A query with fewer than k true neighbors is measured by those; each needs at least one.

    Args:
        found_ids: for each query what the index returned, nearest first.
        truth: for the same queries in the same order, at least k deep.
        k: how many neighbors count.

    Raises:
        ValueError: another number of queries, k below 1, or a query without a true neighbor.
    """
    if len(found_ids) != len(truth.ids) or k < 1 or not all(truth.ids):
        raise ValueError(f"{len(found_ids)} answers to {len(truth.ids)} queries, k is {k}")
    k_of = np.minimum(k, [len(ids) for ids in truth.ids])
    last = truth.distances[np.arange(len(k_of)), k_of - 1]
    hits_of = (truth.distances <= (last + TIE * np.maximum(1, np.abs(last)))[:, None]).sum(axis=1)
    return [
        min(len(set(found[:least]) & set(true[:count])), least) / least
        for found, true, count, least in zip(
            found_ids, truth.ids, hits_of.tolist(), k_of.tolist(), strict=True
        )
    ]


def recall_at_k(found_ids: Sequence[Sequence[str]], truth: ExactNeighbors, k: int) -> float:
    """The mean of ``recall_by_query``."""
    return float(np.mean(recall_by_query(found_ids, truth, k)))
