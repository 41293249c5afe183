"""How good a ranking is by judgments of people: nDCG and recall of judged queries, computed by ir-measures.

It measures with trec_eval's own code, which has no wheel for Linux on ARM; there it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
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


def quality(
    judged: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]], *, cut: int = 10
) -> Quality:
    """NDCG and recall of rankings.

    Args:
        judged: for each query the grades of its documents; above 0 is relevant. Documents without one are not relevant.
        ranked: for each query the ids that were found, best first; a query without any counts as 0.
        cut: how many of the first hits count.

    Raises:
        NoMeasures: ir-measures is not installed.
    """
    try:
        measures: Any = import_module("ir_measures")
    except ImportError as error:
        raise NoMeasures from error
    qrels = [
        measures.Qrel(query, document, grade)
        for query, grades in judged.items()
        for document, grade in grades.items()
    ]
    # By rank, not by score: equal scores would be ordered by the measure itself.
    run = [
        measures.ScoredDoc(query, document, float(-rank))
        for query, documents in ranked.items()
        for rank, document in enumerate(documents)
    ]
    ndcg, recall = measures.nDCG @ cut, measures.R @ cut
    found: dict[Any, float] = measures.calc_aggregate([ndcg, recall], qrels, run)
    return Quality(float(found[ndcg]), float(found[recall]), cut)
