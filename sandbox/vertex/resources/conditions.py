"""What a restriction of a list filter asks of a resource. Does not parse: see filters."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import timestamp_pb2

from sandbox.vertex import names

Condition = Callable[[Any], bool]
_TIMES = ("create_time", "update_time")
_TEXTS = ("display_name", "description")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Unsupported(Exception):
    """A restriction that is not understood; the text says what is."""


def compares(field: str, comparator: str, value: str, id_field: str) -> Condition:
    """A field compared with a value.

    Raises:
        Unsupported: the field is unknown, does not take the comparator, or not the value.
    """
    known = _snake(field)
    if known in _TIMES:
        return _compares_time(known, comparator, value)
    if known == "labels":
        if comparator != ":":
            raise Unsupported("labels takes a colon, as in labels:KEY, or a key, as in labels.KEY=VALUE.")
        return lambda item: value in item.labels
    if known not in (*_TEXTS, "name", id_field):
        raise Unsupported(
            f"the field {field!r} is unknown; accepted: name, {id_field}, {', '.join(_TEXTS)}, labels, "
            f"{' and '.join(_TIMES)}."
        )
    if comparator not in ("=", "!="):
        raise Unsupported(f"{field} takes = or !=.")
    wanted = comparator == "="
    if known in _TEXTS:
        return lambda item: _is_like(getattr(item, known), value) == wanted
    name = names.any_resource(value) if "/" in value else value
    return lambda item: (name in (item.name, item.name.rsplit("/", 1)[1])) == wanted


def label(key: str, comparator: str, value: str, *, any_value: bool) -> Condition:
    """A label compared with a value, or, for `any_value`, asked for its presence.

    Raises:
        Unsupported: labels do not take the comparator.
    """
    if comparator not in ("=", "!=", ":"):
        raise Unsupported("labels take = or != or a colon.")
    wanted = comparator != "!="
    if any_value:
        return lambda item: (key in item.labels) == wanted
    return lambda item: (key in item.labels and item.labels[key] == value) == wanted


def matches(field: str, pattern: str) -> Condition:
    """A field whose value a regular expression finds something in.

    Raises:
        Unsupported: the field is no text, or the pattern no expression.
    """
    known = _snake(field)
    if known not in _TEXTS:
        raise Unsupported(f"regex() takes {' and '.join(_TEXTS)}, not {field!r}.")
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise Unsupported(f"{pattern!r} is no regular expression: {error}.") from None
    return lambda item: expression.search(getattr(item, known)) is not None


def _compares_time(field: str, comparator: str, value: str) -> Condition:
    compare, wanted = _COMPARISONS.get(comparator), timestamp_pb2.Timestamp()
    if compare is None:
        raise Unsupported(f"{field} takes one of {' '.join(_COMPARISONS)}.")
    try:
        wanted.FromJsonString(f"{value}T00:00:00Z" if _DATE.fullmatch(value) else value)
    except ValueError:
        raise Unsupported(f"{value!r} is no time such as 2026-01-31T12:00:00Z.") from None
    return lambda item: compare(getattr(item, field).ToNanoseconds(), wanted.ToNanoseconds())


def _is_like(text: str, value: str) -> bool:
    """Equal; a star at an end of the value stands for anything there."""
    if len(value) > 1 and value[0] == value[-1] == "*":
        return value[1:-1] in text
    if value.startswith("*"):
        return text.endswith(value[1:])
    return text.startswith(value[:-1]) if value.endswith("*") else text == value


def _snake(field: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", field)
