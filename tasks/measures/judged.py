"""How good a ranking is by judgments of people: nDCG and others, computed by ir-measures.

It measures with trec_eval's own code, which has no wheel for Linux on ARM; there it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from statistics import fmean
from typing import Any

from tasks.errors import PermanentError


@dataclass(frozen=True)
class Quality:
    """Means over all judged queries, each between 0 and 1."""

    ndcg: float
    """How near the order of the first hits is to the best possible one; gains of judgments are discounted by rank."""
    recall: float
    """The part of the relevant documents that is among the first hits."""
    cut: int
    """How many of the first hits count."""


class NoMeasures(PermanentError):
    """The library that computes the measures is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "nDCG is computed by ir-measures, which has no wheel for this platform (Linux on ARM). Run this command on Linux x86-64 or "
            "macOS."
        )


def judged_by_query(
    names: Sequence[str], judged: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """The value of every measure for every judged query, by measure and query.

    Args:
        names: as ir-measures has them, such as `nDCG@10` (https://ir-measur.es/en/latest/measures.html).
        judged: for each query the grades of its documents; above 0 is relevant. Documents without one are not relevant.
        ranked: for each query the ids that were found, best first; a query without any counts as 0.

    Raises:
        NoMeasures: ir-measures is not installed.
    """
    try:
        measures: Any = import_module("ir_measures")
    except ImportError as error:
        raise NoMeasures from error
    # By rank, not by score: equal scores would be ordered by the measure itself.
    run = {
        query: {document: float(-rank) for rank, document in enumerate(documents)}
        for query, documents in ranked.items()
    }
    found: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in names}
    qrels = {query: dict(grades) for query, grades in judged.items()}
    for metric in measures.iter_calc([measures.parse_measure(name) for name in names], qrels, run):
        found[str(metric.measure)][metric.query_id] = float(metric.value)
    return found


def quality(
    judged: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]], *, cut: int = 10
) -> Quality:
    """NDCG and recall of rankings, means over the judged queries.

    Args:
        judged: as in `judged_by_query`.
        ranked: as there.
        cut: how many of the first hits count.

    Raises:
        NoMeasures: ir-measures is not installed.
    """
    names = (f"nDCG@{cut}", f"R@{cut}")
    by_query = judged_by_query(names, judged, ranked)
    ndcg, recall = (fmean(by_query[name].values()) for name in names)
    return Quality(ndcg, recall, cut)
