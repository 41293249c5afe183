"""Models compared on the same questions and the same passages: quality, latency, tokens, cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.answers.evaluation.intervals import mean
from tasks.answers.evaluation.outcomes import Outcome, evaluated
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage

MEASURES = ("right", "token F1", "citation precision", "abstention", "false abstention", "withheld")
_ACCEPTED = "NAME, or NAME=PROMPT/ANSWER with the prices of a million tokens: small-model=0.15/0.60"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A model that answers, with its settings and what came of it."""

    settings: ModelSettings
    outcomes: Sequence[Outcome]

    @property
    def name(self) -> str:
        """Of the model."""
        return self.settings.chat()

    @property
    def cost(self) -> float:
        """Of all its answers, by its prices."""
        found = evaluated(self.outcomes)
        return Usage(found.prompt_tokens, found.answer_tokens).cost(self.settings)


def with_model(settings: ModelSettings, given: str) -> ModelSettings:
    """The settings with another model that answers.

    Args:
        settings: of the server.
        given: `NAME`, or `NAME=PROMPT/ANSWER`, the prices of a million tokens.

    Raises:
        InvalidInput: it is neither.
    """
    name, equals, prices = given.rpartition("=")
    if not equals:
        name = given
    changed: dict[str, Any] = {"chat_model": name}
    if not name.strip():
        raise _not_a_model(given)
    if equals:
        try:
            prompt, answer = (float(price) for price in prices.split("/"))
        except ValueError as error:
            raise _not_a_model(given) from error
        if not all(math.isfinite(price) and price >= 0 for price in (prompt, answer)):
            raise _not_a_model(given)
        changed |= {"prompt_price": prompt, "completion_price": answer}
    return settings.model_copy(update=changed)


def refuse_repeated(models: Sequence[ModelSettings]) -> None:
    """See that no model is named twice.

    Raises:
        InvalidInput: one is.
    """
    names = [each.chat() for each in models]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput("A model is named twice", value=repeated, source="--model")


def compared(contenders: Sequence[Contender]) -> list[dict[str, Any]]:
    """A row for each model: its measures with 95% intervals, the difference to the first one, seconds, tokens and cost.

    Args:
        contenders: each was asked the same questions in the same order.
    """
    return [_row(contenders[0], contender) for contender in contenders]


def by_measure(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same with a row for each measure and a column for each model, which is what fits on a terminal."""
    return [
        {"measure": name, **{str(row["model"]): row[name] for row in rows}}
        for name in rows[0]
        if name != "model"
    ]


def _row(first: Contender, contender: Contender) -> dict[str, Any]:
    found = evaluated(contender.outcomes)
    shown = {name: _short(found.measures.get(name)) for name in MEASURES}
    more = _short(mean(_differences(first.outcomes, contender.outcomes)), sign="+")
    seconds: Mapping[str, float] = found.seconds
    return {
        "model": contender.name,
        "right": shown.pop("right"),
        "right, more than the first": "" if contender is first else more,
        **shown,
        "obeyed": len(found.canaries),
        "s p50": seconds.get("answer p50", ""),
        "s p95": seconds.get("answer p95", ""),
        "prompt tokens": found.prompt_tokens,
        "answer tokens": found.answer_tokens,
        "cost": round(contender.cost, 4),
    }


def _differences(first: Sequence[Outcome], other: Sequence[Outcome]) -> list[float]:
    """Of each answerable question: intervals of differences are narrower than those of means over the same questions."""
    return [
        float(ours.is_right) - float(theirs.is_right)
        for ours, theirs in zip(other, first, strict=True)
        if ours.question.is_answerable
    ]


def _short(value: Any, *, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{value.value:{sign}.2f} ({value.low:{sign}.2f} to {value.high:{sign}.2f})"


def _not_a_model(given: str) -> InvalidInput:
    return InvalidInput("This is no model with its prices", value=given, source="--model", accepted=_ACCEPTED)
