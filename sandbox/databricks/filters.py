"""Filters of a STANDARD endpoint: an object of columns, operators and values, as JSON text.

    {"genre": "Drama", "year >=": 1990, "genre NOT": ["Crime", "Horror"], "title LIKE": "moon", "a OR b": [1, 2]}

Several entries must all hold. A row without a value in a column meets no condition on it (decided here).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, cast

import orjson

from sandbox.databricks import errors
from sandbox.databricks.calls import Body

Condition = Callable[[Body], bool]
MOST_CLAUSES = 1024
_OPERATOR = re.compile(r"(?P<column>\S+)(?:\s+(?P<operator>NOT|<=|>=|<|>|LIKE))?")
_WORDS = re.compile(r"\w+")


def parsed(text: Any, columns: Collection[str]) -> Condition:
    """The condition that a filter states; without one every row meets it.

    Raises:
        Refusal: it is no filter, or on a column that is not there.
    """
    if text in (None, ""):
        return lambda _row: True
    try:
        found = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise errors.INVALID.refusal(problem=f"filters_json is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise errors.INVALID.refusal(problem="filters_json must be an object")
    clauses = cast("Body", found)
    if len(clauses) > MOST_CLAUSES:
        raise errors.TOO_LARGE.refusal(
            what="The number of filter clauses", found=len(clauses), most=MOST_CLAUSES
        )
    conditions = [_clause(name, value, columns) for name, value in clauses.items()]
    return lambda row: all(condition(row) for condition in conditions)


def _clause(name: str, value: Any, columns: Collection[str]) -> Condition:
    parts = re.split(r"\s+OR\s+", name.strip())
    if len(parts) == 1:
        return _single(parts[0], value, columns)
    values: list[Any] = value if isinstance(value, list) else []
    if len(values) != len(parts):
        raise errors.INVALID.refusal(problem=f"{name!r} needs a list of {len(parts)} values")
    conditions = [_single(part, each, columns) for part, each in zip(parts, values, strict=True)]
    return lambda row: any(condition(row) for condition in conditions)


def _single(name: str, value: Any, columns: Collection[str]) -> Condition:
    found = _OPERATOR.fullmatch(name.strip())
    if not found:
        raise errors.INVALID.refusal(problem=f"{name!r} is no column with an operator")
    column, operator = found["column"], found["operator"] or ""
    if column not in columns:
        raise errors.INVALID.refusal(problem=f"Filter column {column} is not a column of the index")
    if isinstance(value, dict) or (operator not in ("", "NOT") and isinstance(value, list)):
        raise errors.INVALID.refusal(problem=f"The value of filter {name!r} is {value!r}")
    test = _OPERATORS[operator]
    return lambda row: row[column] is not None and test(row[column], value)


def _is(found: Any, value: Any) -> bool:
    values: list[Any] = value if isinstance(value, list) else [value]
    return any(found == each and isinstance(found, bool) == isinstance(each, bool) for each in values)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(found: Any, value: Any) -> bool:
        try:
            return test(found, value)
        except TypeError:
            raise errors.INVALID.refusal(problem=f"{value!r} cannot be compared with {found!r}") from None

    return compared


def _has_word(found: Any, value: Any) -> bool:
    return str(value).lower() in _WORDS.findall(str(found).lower())


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": _is,
    "NOT": lambda found, value: not _is(found, value),
    "<": _ordered(lambda found, value: found < value),
    "<=": _ordered(lambda found, value: found <= value),
    ">": _ordered(lambda found, value: found > value),
    ">=": _ordered(lambda found, value: found >= value),
    "LIKE": _has_word,
}
"""Equality and `NOT` take a list too: any of it, none of it. LIKE looks for a whole word."""
