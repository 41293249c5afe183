"""Rankings judged by ir-measures, which computes as trec_eval does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.errors import InvalidInput

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
        InvalidInput: ir-measures is not installed on this machine.
    """
    try:
        import ir_measures  # noqa: PLC0415 -- only an evaluation needs it, and some machines have no wheel of it
    except ImportError as error:
        raise InvalidInput(
            "ir-measures, which judges rankings, is not installed: it has no wheel for Linux on ARM",
            remedy="Evaluate on another machine, or build it there: pip install ir-measures.",
        ) from error
    qrels = {question: dict.fromkeys(ids, 1) for question, ids in relevant.items()}
    # trec_eval breaks ties by id: every rank gets a score of its own.
    run = {q: {id_: float(len(ids) - rank) for rank, id_ in enumerate(ids)} for q, ids in rankings.items()}
    found: dict[str, dict[str, float]] = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    for metric in ir_measures.iter_calc([ir_measures.parse_measure(name) for name in MEASURES], qrels, run):
        found[str(metric.measure)][metric.query_id] = float(metric.value)
    return found
