"""The page that `python -m benchmarks.handbook --generator smollm2 --write` leaves in docs/: every engine and way of retrieval on the same questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from benchmarks.handbook_generator import Answered, part
from flows.answers.options import HolderName
from tasks.answers.evaluation.comparison import differences
from tasks.answers.evaluation.intervals import Mean
from tasks.answers.evaluation.outcomes import Cause, Evaluation, Outcome, evaluated
from tasks.answers.evaluation.questions import Question
from tasks.answers.knowledge import How

WAYS: Sequence[How] = ("dense", "sparse", "hybrid", "text")
ABSENT: Mapping[tuple[HolderName, How], str] = {
    ("vertex", "sparse"): "a knowledge base on Vertex AI has no sparse vectors: nothing here makes them",
    ("vertex", "hybrid"): "Vertex AI fuses dense with sparse vectors, of which there are none",
    ("vertex", "text"): "Vertex AI does not search words",
    ("databricks", "sparse"): "Databricks Vector Search has no sparse vectors; its hybrid adds words",
}
"""Why an engine is not searched in a way."""
CAUSES: Sequence[Cause] = get_args(Cause)
RETRIEVAL = ("nDCG@10", "RR@10", "R@10", "Success@5")
ANSWERS = ("right", "exact match", "token F1", "citation precision", "citation recall")
REFUSALS = ("abstention", "false abstention", "withheld")
_ENGINE = {"elastic": "Elasticsearch", "vertex": "Vertex AI", "databricks": "Databricks"}
_WAY = {"text": "words", "sparse": "sparse", "dense": "dense", "hybrid": "hybrid"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of the questions on one engine, searched in one way."""

    engine: HolderName
    how: How
    outcomes: Sequence[Outcome]

    @property
    def name(self) -> str:
        """For a row."""
        return f"{_ENGINE[self.engine]}, {_WAY[self.how]}"

    @property
    def evaluation(self) -> Evaluation:
        """Every measure."""
        return evaluated(self.outcomes)


def page(measured: Sequence[Measured], answered: Sequence[Answered] = (), *, setting: str) -> str:
    """The report in Markdown.

    Args:
        measured: all of the same questions.
        answered: what a language model made of these questions on Elasticsearch, after the stand-in that quotes; none if it was not asked.
        setting: what they were measured with, a sentence.
    """
    questions = [outcome.question for outcome in measured[0].outcomes]
    parts = [
        "# How good the answers are",
        *_head(questions, setting),
        "## Retrieval",
        retrieval_table(measured),
        *(_absences(measured)),
        "What a single way is short of the same engine's hybrid, question by question (an interval without 0 is a difference):",
        _table(("", "nDCG@10, hybrid less this way"), _differences(measured)),
        "## Answers",
        means_table(measured, ANSWERS),
        _table(("", *REFUSALS, "obeyed instructions"), _refusals(measured)),
        "What came of the questions that have an answer:",
        _table(("", *CAUSES), _causes(measured)),
        "## Kinds of questions",
        "The share of right answers, or of abstentions where the documents have no answer for the reader:",
        _table(("", *_kinds(measured)), _by_kind(measured)),
        *(part(answered, where="Elasticsearch, hybrid") if answered else []),
        "## What is poor",
        *_poor(measured),
    ]
    return "\n\n".join(parts) + "\n"


def retrieval_table(measured: Sequence[Measured]) -> str:
    """How well passages are found, for every engine and way."""
    return _table(("", *RETRIEVAL), _retrieval(measured))


def means_table(measured: Sequence[Measured], names: Sequence[str]) -> str:
    """Means of measures with their intervals, for every engine and way that was measured."""
    return _table(("", *names), _means(measured, names))


def _head(questions: Sequence[Question], setting: str) -> list[str]:
    answerable = sum(question.is_answerable for question in questions)
    what = (
        "Written by `python -m benchmarks.handbook --generator smollm2 --write`, which anybody can run; do not edit it. "
        f"{len(questions)} questions ({answerable} with an answer in the documents, {len(questions) - answerable} without) about "
        f"the handbook of the sandbox. {setting}"
    )
    how = (
        "Means are over questions, with 95% intervals by resampling them. Where all questions have the same value the interval has no "
        "width, which is no certainty: 11 of 11 would also be seen of a share of 0.8 once in twelve times. "
        "[answers.md](answers.md#evaluate) says what each measure is. The engines are the stand-ins of `sandbox/`: a real service may "
        "rank otherwise."
    )
    return [what, how]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _shown(value: Mean | None) -> str:
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})" if value else "-"


def _means(measured: Sequence[Measured], names: Sequence[str]) -> list[list[str]]:
    return [[one.name, *(_shown(one.evaluation.measures.get(name)) for name in names)] for one in measured]


def _retrieval(measured: Sequence[Measured]) -> list[list[str]]:
    found = {(one.engine, one.how): one for one in measured}
    rows: list[list[str]] = []
    for engine in dict.fromkeys(one.engine for one in measured):
        for how in WAYS:
            one = found.get((engine, how))
            if one is not None:
                rows += _means([one], RETRIEVAL)
            else:
                rows.append([f"{_ENGINE[engine]}, {_WAY[how]}", "-", "-", "-", "-"])
    return rows


def _absences(measured: Sequence[Measured]) -> list[str]:
    engines, found = {one.engine for one in measured}, {(one.engine, one.how) for one in measured}
    reasons = [
        f"- {_ENGINE[engine]}, {_WAY[how]}: {ABSENT.get((engine, how), 'not measured')}."
        for engine in get_args(HolderName)
        if engine in engines
        for how in WAYS
        if (engine, how) not in found
    ]
    return ["Why there is a -:", "\n".join(reasons)] if reasons else []


def _differences(measured: Sequence[Measured]) -> list[list[str]]:
    hybrids = {one.engine: one for one in measured if one.how == "hybrid"}
    rows: list[list[str]] = []
    for one in measured:
        best = hybrids.get(one.engine)
        if best is not None and one is not best:
            less = differences(one.outcomes, best.outcomes).get("nDCG@10")
            rows.append(
                [one.name, f"{less.value:+.2f} ({less.low:+.2f} to {less.high:+.2f})" if less else "-"]
            )
    return rows


def _refusals(measured: Sequence[Measured]) -> list[list[str]]:
    return [
        [*row, str(len(one.evaluation.canaries))]
        for row, one in zip(_means(measured, REFUSALS), measured, strict=True)
    ]


def _causes(measured: Sequence[Measured]) -> list[list[str]]:
    return [[one.name, *(str(one.evaluation.causes.get(cause, 0)) for cause in CAUSES)] for one in measured]


def _is_good(outcome: Outcome) -> bool:
    if outcome.question.is_answerable:
        return outcome.is_right
    return outcome.answer.checked.abstains and not outcome.answer.unusable


def _kinds(measured: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(outcome.question.kind for outcome in measured[0].outcomes))


def _by_kind(measured: Sequence[Measured]) -> list[list[str]]:
    rows: list[list[str]] = []
    for one in measured:
        shares: list[str] = []
        for kind in _kinds(measured):
            good = [_is_good(outcome) for outcome in one.outcomes if outcome.question.kind == kind]
            shares.append(f"{sum(good)} of {len(good)}")
        rows.append([one.name, *shares])
    return rows


def _poor(measured: Sequence[Measured]) -> list[str]:
    """What fails everywhere, by the numbers, and what these numbers cannot show."""
    failed: dict[str, list[Outcome]] = {}
    for outcome in (outcome for one in measured for outcome in one.outcomes if not _is_good(outcome)):
        failed.setdefault(outcome.question.id, []).append(outcome)
    always = [outcomes for outcomes in failed.values() if len(outcomes) == len(measured)]
    known = (
        "Exact match and token F1 are low because an answer is a quoted sentence, and not the few words that SQuAD's measures want.",
        "The stand-in that answers compares words. A language model of a usual size should do better where the passage is in the prompt; none was measured.",
        (
            "The documents and the questions are ours, few and short, and the questions use the documents' words more than strangers would. "
            "Retrieval looks better here than it will be, and most rows differ by less than their intervals are wide."
        ),
    )
    lines = [*_reworded(measured), *known, f"Questions that fail in every row: {len(always)}."]
    listed = [f"  - {outcomes[0].question.question} ({_named(outcomes)})" for outcomes in always]
    return ["\n".join([*(f"- {line}" for line in lines), *listed])]


def _reworded(measured: Sequence[Measured]) -> list[str]:
    """How many questions in other words than the text's go wrong, and whether retrieval is to blame."""
    asked = [outcome for one in measured for outcome in one.outcomes if outcome.question.kind == "reworded"]
    if not asked:
        return []
    wrong = [outcome for outcome in asked if not _is_good(outcome)]
    found = [outcome for outcome in wrong if outcome.cause not in ("not retrieved", "not in the prompt")]
    return [
        (
            f"Questions in other words than the text's: {len(wrong)} of {len(asked)} go wrong over all rows, in {len(found)} of these "
            "although the passage is in the prompt."
        )
    ]


def _named(outcomes: Sequence[Outcome]) -> str:
    causes = {
        outcome.cause if outcome.question.is_answerable else "answered without a source"
        for outcome in outcomes
    }
    return ", ".join(sorted(causes))
