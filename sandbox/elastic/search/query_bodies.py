"""The bodies of queries: a field with a value, or with an object of parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic.search import errors as search_errors


def field_and_body(name: str, body: Any, short: str | None, known: set[str]) -> tuple[str, dict[str, Any]]:
    """The field and its parameters; a plain value stands for the parameter `short`.

    Raises:
        Refusal: there is more than one field, an unknown parameter, or no value.
    """
    if not isinstance(body, Mapping):
        raise search_errors.MALFORMED.refusal(name=name)
    fields = [key for key in body if key != "_name"]
    if len(fields) != 1:
        raise search_errors.NOT_SUPPORTED.refusal(query=name, parameter=fields[1] if fields else "no fields")
    path, found = fields[0], body[fields[0]]
    if not isinstance(found, Mapping):
        if short is None:
            raise search_errors.NOT_SUPPORTED.refusal(query=name, parameter=path)
        found = {short: found}
    for parameter in found:
        if parameter not in known | {short, "_name"}:
            raise search_errors.NOT_SUPPORTED.refusal(query=name, parameter=parameter)
    if short and found.get(short) is None:
        raise _missing(name, short)
    return path, dict(found)


def _missing(name: str, short: str) -> Exception:
    if short == "query":
        return search_errors.NO_TEXT.refusal(query="text")
    if short == "value":
        return search_errors.NO_VALUE.refusal()
    return search_errors.REQUIRED.refusal(query=name, what=f"a [{short}]")


def boost_of(name: str, body: Mapping[str, Any]) -> float:
    """The boost of a query; 1 by default.

    Raises:
        Refusal: it is not a number, or negative.
    """
    boost = number(name, "boost", body.get("boost", 1.0))
    if boost < 0:
        raise search_errors.NEGATIVE_BOOST.refusal(query=name, boost=boost)
    return boost


def listed(where: str, parameter: str, value: Any) -> list[Any]:
    """A list.

    Raises:
        Refusal: it is none.
    """
    if not isinstance(value, list):
        raise search_errors.BAD_VALUE.refusal(where=where, parameter=parameter, value=value)
    return value


def strings(where: str, parameter: str, value: Any) -> list[str]:
    """A list of strings.

    Raises:
        Refusal: it is none.
    """
    if not all(isinstance(each, str) for each in listed(where, parameter, value)):
        raise search_errors.BAD_VALUE.refusal(where=where, parameter=parameter, value=value)
    return value


def mapped(where: str, parameter: str, value: Any) -> Mapping[str, Any]:
    """An object.

    Raises:
        Refusal: it is none.
    """
    if not isinstance(value, Mapping):
        raise search_errors.BAD_VALUE.refusal(where=where, parameter=parameter, value=value)
    return value


def number(where: str, parameter: str, value: Any) -> float:
    """A number; a string that holds one is accepted.

    Raises:
        Refusal: it is invalid.
    """
    try:
        found = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise search_errors.BAD_VALUE.refusal(where=where, parameter=parameter, value=value)
    return found


def minimum(value: Any, clauses: int) -> int:
    """`minimum_should_match` (a number, a negative number, or a percentage) as a number of clauses.

    Raises:
        Refusal: it has another form.
    """
    found = re.fullmatch(r"(-?\d+)(%?)", str(value))
    if not found:
        raise search_errors.NOT_SUPPORTED.refusal(query="bool", parameter=f"minimum_should_match: {value}")
    number = int(found[1])
    if found[2]:
        number = int(clauses * number / 100)
    return max(0, min(clauses, clauses + number if found[1].startswith("-") else number))


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that a pattern matches."""
    return [name for name in names if fnmatchcase(name, pattern)]
