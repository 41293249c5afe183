"""Filters of a STORAGE_OPTIMIZED endpoint: a text like the condition of a WHERE clause.

    genre IN ('Drama', 'Crime') AND NOT (year < 1990 OR year = 2000)

Comparisons, `[NOT] IN`, AND, OR, NOT and parentheses are honoured, with SQL's rule for a row without a value: no condition on the
column holds, nor does its NOT. The rest of SQL is refused by name: which of it the real service takes is not known here.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from typing import Any

from sandbox.databricks import errors
from sandbox.databricks.calls import Body

Truth = bool | None
"""SQL's: None is unknown."""
_Condition = Callable[[Body], Truth]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<quoted>`[^`]+`)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,))"
)
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_LATER = ("LIKE", "ILIKE", "RLIKE", "BETWEEN", "IS")
_MOST_DEPTH = 100


def parsed(text: Any, columns: Collection[str]) -> Callable[[Body], bool]:
    """The condition that a filter states; without one every row meets it.

    Raises:
        Refusal: it is no filter, on a column that is not there, or has something that is not imitated.
    """
    if text in (None, ""):
        return lambda _row: True
    if not isinstance(text, str):
        raise errors.INVALID.refusal(problem=f"filter_string must be a string, not {text!r}")
    condition = _Parser(text, columns).condition()
    return lambda row: condition(row) is True


class _Parser:
    """Reads a filter from left to right."""

    def __init__(self, text: str, columns: Collection[str]) -> None:
        self._text, self._columns, self._at, self._depth = text, columns, 0, 0

    def condition(self) -> _Condition:
        """The whole of it."""
        found = self._any()
        if self._text[self._at :].strip():
            raise self._refusal()
        return found

    def _any(self) -> _Condition:
        parts = [self._all()]
        while self._took("OR"):
            parts.append(self._all())
        return lambda row: _or([part(row) for part in parts])

    def _all(self) -> _Condition:
        parts = [self._one()]
        while self._took("AND"):
            parts.append(self._one())
        return lambda row: _not(_or([_not(part(row)) for part in parts]))

    def _one(self) -> _Condition:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise errors.INVALID.refusal(problem="filter_string is nested too deeply")
        if self._took("NOT"):
            inner = self._one()
            found: _Condition = lambda row: _not(inner(row))  # noqa: E731
        elif self._took("("):
            found = self._any()
            self._need(")")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> _Condition:
        column = self._column()
        is_negated = self._took("NOT")
        for word in _LATER:
            if self._took(word):
                raise errors.NOT_IMITATED.refusal(what=f"{word} in filter_string")
        if self._took("IN"):
            self._need("(")
            values = [self._value()]
            while self._took(","):
                values.append(self._value())
            self._need(")")
            either = [_compared(column, "=", value) for value in values]
            return lambda row: _not(_or([each(row) for each in either])) if is_negated else _or([each(row) for each in either])  # fmt: skip
        sign = next((sign for sign in ("<=", ">=", "<>", "!=", "=", "<", ">") if self._took(sign)), "")
        if not sign or is_negated:
            raise self._refusal()
        return _compared(column, sign, self._value())

    def _column(self) -> str:
        found = self._next()
        name = found["quoted"][1:-1] if found and found["quoted"] else found["word"] if found else None
        if found is None or name is None:
            raise self._refusal()
        self._at = found.end()
        if name not in self._columns:
            raise errors.INVALID.refusal(problem=f"Filter column {name} is not a column of the index")
        return name

    def _value(self) -> Any:
        found = self._next()
        if found is None or found["sign"] or found["quoted"]:
            raise self._refusal()
        word = (found["word"] or "").upper()
        if found["word"] and word not in ("TRUE", "FALSE"):
            raise self._refusal()
        self._at = found.end()
        if found["text"]:
            return found["text"][1:-1].replace("''", "'")
        if found["number"]:
            return float(found["number"]) if set(found["number"]) & set(".eE") else int(found["number"])
        return word == "TRUE"

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self._text, self._at)

    def _took(self, token: str) -> bool:
        found = self._next()
        if found is None or (found["sign"] or (found["word"] or "").upper()) != token:
            return False
        self._at = found.end()
        return True

    def _need(self, token: str) -> None:
        if not self._took(token):
            raise self._refusal()

    def _refusal(self) -> errors.Refusal:
        rest = self._text[self._at :].strip() or "its end"
        return errors.INVALID.refusal(problem=f"Could not parse filter_string at {rest[:40]!r}")


def _compared(column: str, sign: str, value: Any) -> _Condition:
    test = _TESTS[sign]

    def holds(row: Body) -> Truth:
        found = row[column]
        if found is None:
            return None
        alike = isinstance(found, str) == isinstance(value, str) and isinstance(found, bool) == isinstance(value, bool)  # fmt: skip
        if not alike or isinstance(found, list):
            raise errors.INVALID.refusal(problem=f"{value!r} cannot be compared with column {column}")
        return test(found, value)

    return holds


def _or(truths: list[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth
