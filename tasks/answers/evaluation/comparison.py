"""Evaluations compared on the same questions: what each measures, and how it differs from the first, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tasks.answers.evaluation.intervals import Mean, mean
from tasks.answers.evaluation.outcomes import Evaluation, Outcome, evaluated, values_by_question
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage

Kind = Literal["model", "setting"]
DIFFERENCES = ("nDCG@10", "R@10", "right", "abstention")
"""Measures whose difference to the first is shown; facts have it of all."""
_AFTER = ", difference from the first"
_RETRIEVAL = ("nDCG@10", "R@10")
"""The same for all models."""
_SHOWN = (
    *_RETRIEVAL,
    "right",
    "token F1",
    "citation precision",
    "abstention",
    "false abstention",
    "withheld",
)
"""Measures of a table; facts have all."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of the evaluations that are compared: a model that answers, or a setting of the search."""

    models: ModelSettings
    outcomes: Sequence[Outcome]
    setting: str = ""
    """What the setting is called; empty where models are compared."""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """How it is searched, by name."""

    @property
    def name(self) -> str:
        """Of the setting, or of the model."""
        return self.setting or self.models.chat()

    @property
    def cost(self) -> float:
        """Of all answers, by the prices of the model."""
        return Usage(self.evaluation.prompt_tokens, self.evaluation.answer_tokens).cost(self.models)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Every measure."""
        return evaluated(self.outcomes)


def differences(first: Sequence[Outcome], other: Sequence[Outcome]) -> dict[str, Mean]:
    """By how much the other is above the first, by measure: the mean of the differences question by question.

    Its interval resamples these pairs (paired bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993), so it is narrower
    than those of the two means: what makes a question hard for both cancels out.

    Args:
        first: of some questions.
        other: of the same ones.
    """
    before, after = values_by_question(first), values_by_question(other)
    found = {name: paired(before[name], after[name]) for name in after}
    return {name: each for name, each in found.items() if each is not None}


def paired(before: Mapping[str, float], after: Mapping[str, float]) -> Mean | None:
    """The mean difference of values by the question's id, of the same questions; None of no questions."""
    return mean([value - before[id_] for id_, value in after.items()])


def in_words(difference: Mean) -> str:
    """`+0.08 (+0.01 to +0.14), higher`, or that the questions do not show a difference: 0 is in the interval."""
    return f"{_short(difference, sign='+')}, {_direction(difference) or 'no difference that these questions show'}"


def compared(contenders: Sequence[Contender], kind: Kind) -> list[dict[str, Any]]:
    """A record for each, in numbers: measures with their intervals, differences to the first, seconds, tokens, cost.

    Args:
        contenders: each was asked the same questions; the first is what the others are compared with.
        kind: what they are.
    """
    return [
        {
            kind: one.name,
            **one.params,
            "measures": {name: numbers(each) for name, each in one.evaluation.measures.items()},
            "difference": {
                name: numbers(each) for name, each in differences(contenders[0].outcomes, one.outcomes).items()
            } if number else {},
            "causes": dict(one.evaluation.causes),
            "obeyed": len(one.evaluation.canaries),
            "seconds": dict(one.evaluation.seconds),
            "tokens": {"prompt": one.evaluation.prompt_tokens, "answer": one.evaluation.answer_tokens},
            "cost": round(one.cost, 4),
        }
        for number, one in enumerate(contenders)
    ]  # fmt: skip


def by_measure(
    records: Sequence[Mapping[str, Any]], kind: Kind, shown: Sequence[str]
) -> list[dict[str, Any]]:
    """The same as people read it: a row for each measure, a column for each contender, which is what fits on a terminal.

    Args:
        records: as `compared` makes them.
        kind: what they are.
        shown: names of parameters; one that is the same for all has no row.
    """
    columns = [_column(record, shown) for record in records]
    different = [name for name in shown if len({str(column[name]) for column in columns}) > 1]
    rows = [name for name in columns[0] if name not in shown or name in different]
    return [
        {
            "measure": name,
            **{str(record[kind]): column[name] for record, column in zip(records, columns, strict=True)},
        }
        for name in rows
    ]


def _column(record: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    column: dict[str, Any] = {name: record[name] for name in shown}
    for name in _SHOWN:
        if name not in record["measures"] or ("model" in record and name in _RETRIEVAL):
            continue
        column[name] = _short(Mean(**record["measures"][name]))
        if name in DIFFERENCES:
            difference = record["difference"].get(name)
            column[f"{name}{_AFTER}"] = _signed(Mean(**difference)) if difference else ""
    seconds: Mapping[str, float] = record["seconds"]
    return {
        **column,
        "obeyed": record["obeyed"],
        **{f"{name}, s": seconds.get(name, "") for name in ("search p50", "search p95", "answer p50", "answer p95")},
        "prompt tokens": record["tokens"]["prompt"],
        "answer tokens": record["tokens"]["answer"],
        "cost": record["cost"],
    }  # fmt: skip


def numbers(value: Mean) -> dict[str, float]:
    """A mean for a report's facts."""
    return {"value": value.value, "low": value.low, "high": value.high, "questions": value.questions}


def _signed(difference: Mean) -> str:
    return ", ".join(filter(None, (_short(difference, sign="+"), _direction(difference))))


def _direction(difference: Mean) -> str:
    """Empty if 0 is in the interval."""
    return "higher" if difference.low > 0 else "lower" if difference.high < 0 else ""


def _short(value: Mean, *, sign: str = "") -> str:
    return f"{value.value:{sign}.2f} ({value.low:{sign}.2f} to {value.high:{sign}.2f})"
