"""An earlier evaluation, by its report: what has changed since, question by question where the questions are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.answers.evaluation.comparison import in_words, paired
from tasks.answers.evaluation.intervals import Mean
from tasks.errors import InvalidInput
from tasks.lines import reading

_SOURCE = "--baseline"


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What an earlier report says."""

    questions: str
    """The mark of its questions; empty if it has none."""
    values: Mapping[str, float]
    """Means by measure."""
    by_question: Mapping[str, Mapping[str, float]]
    """By measure and the question's id, of the measures that a report keeps in this way."""

    def change(self, name: str, now: Mean, by_question: Mapping[str, float], questions: str) -> str:
        """What has changed in a measure since, of the same questions as a paired difference; empty if it was not measured before.

        Args:
            name: of the measure.
            now: its mean.
            by_question: its values by the question's id.
            questions: the mark of the questions.
        """
        if name not in self.values:
            return ""
        said = f"before {self.values[name]:.3f}, change {now.value - self.values[name]:+.3f}"
        if questions != self.questions:
            return f"{said}, of other questions"
        before = self.by_question.get(name, {})
        difference = paired(before, by_question) if before.keys() == by_question.keys() else None
        return f"{said}, question by question {in_words(difference)}" if difference else said


def read_earlier(baseline: str | None) -> Earlier | None:
    """What the report of an earlier evaluation says; None without one.

    Raises:
        InvalidInput: the file is no report of an evaluation.
    """
    if baseline is None:
        return None
    with reading(Path(baseline), source=_SOURCE) as file:
        try:
            facts: dict[str, Any] = json.load(file)["facts"]
            measures: dict[str, Any] = facts["measures"]
            return Earlier(
                questions=str(facts.get("questions", "")),
                values={name: float(each["value"]) for name, each in measures.items()},
                by_question={
                    name: {str(id_): float(value) for id_, value in each["by_question"].items()}
                    for name, each in measures.items()
                    if "by_question" in each
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(
                "This is not the report of an evaluation", value=baseline, source=_SOURCE,
                accepted="a file answers-evaluate-*.json of the folder reports",
            ) from error  # fmt: skip
