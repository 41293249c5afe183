"""How queries are written: a field with a value, or with an object of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.elastic import errors_search


def field_and_body(name: str, body: Any, short: str | None, known: set[str]) -> tuple[str, dict[str, Any]]:
    """The field, and the parameters; a bare value stands for the one called `short`.

    Raises:
        Refusal: more than one field, or a parameter that is not known.
    """
    if not isinstance(body, Mapping):
        raise errors_search.MALFORMED(name=name)
    fields = [key for key in body if key != "_name"]
    if len(fields) != 1:
        raise errors_search.NOT_SUPPORTED(query=name, parameter=fields[1] if fields else "no fields")
    path, found = fields[0], body[fields[0]]
    if not isinstance(found, Mapping):
        if short is None:
            raise errors_search.NOT_SUPPORTED(query=name, parameter=path)
        return path, {short: found}
    for parameter in found:
        if parameter not in known | {short, "_name"}:
            raise errors_search.NOT_SUPPORTED(query=name, parameter=parameter)
    return path, dict(found)


def minimum(value: Any, clauses: int) -> int:
    """`minimum_should_match`: a number, a negative one, or percent, of so many clauses.

    Raises:
        Refusal: another form.
    """
    found = re.fullmatch(r"(-?\d+)(%?)", str(value))
    if not found:
        raise errors_search.NOT_SUPPORTED(query="bool", parameter=f"minimum_should_match: {value}")
    number = int(found[1])
    if found[2]:
        number = int(clauses * number / 100)
    return max(0, min(clauses, clauses + number if found[1].startswith("-") else number))
