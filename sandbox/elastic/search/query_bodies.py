"""How queries are written: a field with a value, or with an object of parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sandbox.elastic.search import errors as search_errors


def field_and_body(name: str, body: Any, short: str | None, known: set[str]) -> tuple[str, dict[str, Any]]:
    """The field, and the parameters; a bare value stands for the one called `short`.

    Raises:
        Refusal: more than one field, a parameter that is not known, or no value.
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
        raise search_errors.REQUIRED.refusal(query=name, what=f"a [{short}]")
    return path, dict(found)


def boost_of(name: str, body: Mapping[str, Any]) -> float:
    """How much a query counts; 1 unless it says otherwise.

    Raises:
        Refusal: that is no number, or negative.
    """
    boost = number(name, "boost", body.get("boost", 1.0))
    if boost < 0:
        raise search_errors.NEGATIVE_BOOST.refusal(query=name, boost=boost)
    return boost


def number(where: str, parameter: str, value: Any) -> float:
    """A number; a text that is one will do.

    Raises:
        Refusal: it is something else.
    """
    try:
        found = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise search_errors.BAD_VALUE.refusal(where=where, parameter=parameter, value=value)
    return found


def minimum(value: Any, clauses: int) -> int:
    """`minimum_should_match`: a number, a negative one, or percent, of so many clauses.

    Raises:
        Refusal: another form.
    """
    found = re.fullmatch(r"(-?\d+)(%?)", str(value))
    if not found:
        raise search_errors.NOT_SUPPORTED.refusal(query="bool", parameter=f"minimum_should_match: {value}")
    number = int(found[1])
    if found[2]:
        number = int(clauses * number / 100)
    return max(0, min(clauses, clauses + number if found[1].startswith("-") else number))
