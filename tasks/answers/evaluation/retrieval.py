"""Rankings of passages, judged by the passages that answer each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.measures.judged import judged_by_query

MEASURES = ("nDCG@10", "RR@10", "R@10", "Success@5")
DEPTH = 10
"""How many passages a ranking must have for these."""


def judged(
    relevant: Mapping[str, frozenset[str]], rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """The value of every measure for every question, by measure and question.

    Args:
        relevant: the ids of the passages that answer each question; none of them is empty.
        rankings: for the same questions the ids that were found, best first.

    Raises:
        NoMeasures: ir-measures is not installed on this machine.
    """
    grades = {question: dict.fromkeys(ids, 1) for question, ids in relevant.items()}
    return judged_by_query(MEASURES, grades, rankings)
