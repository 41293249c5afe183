"""Single values of a document, read as a field of their type holds them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic.documents import date_formats, dates
from sandbox.elastic.documents.analysis import analyzer
from sandbox.elastic.indices.mappings import NUMBERS, WHOLE_NUMBERS

_BITS = {"long": 63, "integer": 31, "short": 15, "byte": 7}
_SMALLER = {"float": np.float32, "half_float": np.float16}


@dataclass
class Terms:
    """The terms of a document in a text field."""

    frequencies: Counter[str]
    length: int


def read(kind: str, definition: Mapping[str, Any], values: list[Any]) -> list[Any]:
    """The values of one field as it holds them: numbers, milliseconds of dates, strings; those that do not fit are left out."""
    found = []
    for each in values:
        try:
            found.append(reader(kind)(each, definition))
        except (ValueError, OverflowError):
            continue
    if kind == "text":
        return found
    kept = joined(kind, found, definition)
    return list(kept) if isinstance(kept, list) else []


def flat(value: Any) -> Iterator[Any]:
    """The values of a list, and of lists in it."""
    if isinstance(value, list):
        for each in value:
            yield from flat(each)
    else:
        yield value


def reader(kind: str) -> Callable[[Any, Mapping[str, Any]], Any]:
    """What reads one value of a field of this type; raises ValueError or OverflowError if it does not fit."""
    if kind in NUMBERS:
        return _number
    return {"date": _date, "boolean": _boolean}.get(kind, _string)


def joined(kind: str, found: list[Any], definition: Mapping[str, Any]) -> Terms | list[Any] | None:
    """The values of a field as it is indexed; None if nothing is left of them."""
    if kind == "text":
        analyze = analyzer(definition.get("analyzer"))
        terms = [term for text in found for term in analyze(text)]
        return Terms(Counter(terms), len(terms))
    if kind == "keyword":
        limit = definition.get("ignore_above", math.inf)
        lower = definition.get("normalizer") == "lowercase"
        return [text.lower() if lower else text for text in found if len(text) <= limit] or None
    return found or None


def _string(value: Any, _: Mapping[str, Any]) -> str:
    if isinstance(value, dict):
        raise ValueError("Can't get text on a START_OBJECT at 1:1")  # noqa: TRY004 - bad input, not a bug
    return str(value).lower() if isinstance(value, bool) else str(value)


def _boolean(value: Any, _: Mapping[str, Any]) -> str:
    if value in (True, "true"):
        return "true"
    if value in (False, "false", ""):
        return "false"
    raise ValueError(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")


def _date(value: Any, _: Mapping[str, Any]) -> int:
    try:
        found = dates.milliseconds(value)
        date_formats.moment(found)
    except (ValueError, TypeError, AttributeError):
        raise ValueError(
            f"failed to parse date field [{value}] with format [strict_date_optional_time||epoch_millis]"
        ) from None
    return found


def _number(value: Any, definition: Mapping[str, Any]) -> int | float:
    kind = definition["type"]
    if isinstance(value, bool | dict):
        problem = f"Current token ({token_of(value)}) not numeric, can not use numeric value accessors"
        raise ValueError(problem)  # noqa: TRY004 - bad input, not a bug
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f'For input string: "{value}"') from None
    if not math.isfinite(number):
        raise ValueError(f"[{kind}] supports only finite values, but got [{value}]")
    if kind not in WHOLE_NUMBERS:
        return float(_SMALLER[kind](number)) if kind in _SMALLER else float(number)
    if isinstance(value, str) and value.lstrip("+-").isdigit():
        number = int(value)
    if number != int(number) and definition.get("coerce") is False:
        raise ValueError(f"Value [{value}] has a decimal part")
    whole = int(number)
    if not -(2 ** _BITS[kind]) <= whole < 2 ** _BITS[kind]:
        raise ValueError(f"Value [{value}] is out of range for a {kind}")
    return whole


def token_of(value: Any) -> str:
    """The name that Elasticsearch's parser gives to a kind of JSON value."""
    if isinstance(value, bool):
        return f"VALUE_{str(value).upper()}"
    kinds = {str: "VALUE_STRING", dict: "START_OBJECT", list: "START_ARRAY"}
    return kinds.get(type(value), "VALUE_NUMBER")
