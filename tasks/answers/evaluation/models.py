"""The models that an evaluation compares, each with its prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings

_ACCEPTED = "NAME, or NAME=PROMPT/ANSWER with the prices of a million tokens: small-model=0.15/0.60"


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


def _not_a_model(given: str) -> InvalidInput:
    return InvalidInput("This is no model with its prices", value=given, source="--model", accepted=_ACCEPTED)
