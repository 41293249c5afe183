"""What no option can hold, whatever it is for: refused before Prefect stores it and before a service is asked.

A value comes from a shell, where it may be bytes that are no UTF-8, or from Prefect's form, where it may be whatever JSON can
spell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks.errors import InvalidInput
from tasks.exact_json import shortened

MOST_CHARACTERS = 10_000
"""Of one text. A path has 4,096 bytes at most, a name fewer, and a model reads some two thousand characters of a query."""
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse values that no option can hold.

    Args:
        values: by the parameter's name.

    Raises:
        InvalidInput: a text is blank, longer than `MOST_CHARACTERS`, no UTF-8 or contains NUL; a number is not finite or has
            more than 64 bits. It names the option.
    """
    for name, value in values.items():
        for each in _inner(value):
            if problem := _problem(each):
                what, accepted = problem
                raise InvalidInput(
                    f"{what}: {shortened(each)}", source=f"--{name.replace('_', '-')}", accepted=accepted
                )


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, Mapping):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield name
            yield from _inner(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _inner(inner)
    else:
        yield value


def _problem(value: object) -> tuple[str, str] | None:
    """What is wrong with one value, and what is accepted."""
    if isinstance(value, (int, float)):
        if math.isfinite(value) if isinstance(value, float) else _INT64_MIN <= value <= _INT64_MAX:
            return None
        return "This number cannot be used", "a finite number of at most 64 bits"
    if not isinstance(value, (str, Path)):
        return None
    text = str(value)
    if len(text) > MOST_CHARACTERS:
        return f"This text has {len(text):,} characters", f"at most {MOST_CHARACTERS:,}"
    if not text.strip():
        return "This text is blank", "a text; without the option, its default holds"
    if "\0" in text or not _is_unicode(text):
        return "This text cannot be used", "UTF-8 without NUL"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
