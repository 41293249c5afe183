"""Filters of a query in the two forms that the service has, checked before it is asked.

A STANDARD endpoint takes an object, `{"year >=": 1990, "genre": ["Drama", "Crime"]}`, and a STORAGE_OPTIMIZED one a text like the
condition of a WHERE clause, `year >= 1990 AND genre IN ('Drama', 'Crime')` (the page "Vector Search filtering guide",
https://docs.databricks.com/aws/en/vector-search/vector-search-filtering-guide). Neither takes the other's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from tasks.databricks.specs import STORAGE_OPTIMIZED
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact

Filters = dict[str, Any] | str
"""The object, or the text."""
OBJECT = 'a JSON object such as {"year >=": 1990, "genre": ["Drama", "Crime"]}'
TEXT = "a condition such as year >= 1990 AND genre IN ('Drama', 'Crime')"
_TOKEN = re.compile(
    r"\s*(?:(?P<value>'(?:[^']|'')*'|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b(?:TRUE|FALSE)\b)"
    r"|(?P<keyword>\b(?:AND|OR|NOT|IN|LIKE|BETWEEN|IS|NULL)\b)|(?P<column>`[^`]+`|[A-Z_]\w*)|(?P<sign><=|>=|<>|!=|[=<>(),]))",
    re.IGNORECASE,
)
_SIGNS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_MOST_DEPTH = 100


def parse_filters(text: str) -> Filters:
    """A filter in either form: what begins with a brace or a bracket is JSON.

    Raises:
        InvalidInput: it is no JSON object, or holds a number that cannot be kept; or it is no condition.
    """
    if not text.lstrip().startswith(("{", "[")):
        columns_of(text)
        return text
    try:
        given = exact(text.encode())
        json.dumps(given)
    except (NotExact, UnicodeError, TypeError) as error:
        raise InvalidInput(
            f"These filters cannot be read ({error})", value=text, source="filters", accepted=OBJECT
        ) from error
    if not isinstance(given, dict):
        raise InvalidInput("These filters are no JSON object", value=text, source="filters", accepted=OBJECT)
    return given  # pyright: ignore[reportUnknownVariableType]


def refuse_other_form(filters: Filters, endpoint: str, endpoint_type: str, columns: Collection[str]) -> None:
    """See that an endpoint takes filters in this form, and that an index has the columns that a text names.

    Args:
        filters: as they are given.
        endpoint: its name.
        endpoint_type: STANDARD or STORAGE_OPTIMIZED.
        columns: of the index.

    Raises:
        InvalidInput: it does not.
    """
    is_text = isinstance(filters, str)
    if is_text != (endpoint_type == STORAGE_OPTIMIZED):
        raise InvalidInput(
            f"The endpoint {endpoint} is {endpoint_type} and takes filters in the other form",
            value=filters if is_text else json.dumps(filters), source="filters", accepted=OBJECT if is_text else TEXT,
        )  # fmt: skip
    for column in columns_of(filters) if isinstance(filters, str) else ():
        if column not in columns:
            raise InvalidInput(
                "The index has no such column", value=column, source="filters", accepted=", ".join(columns)
            )


def keys_filter(key: str, keys: Sequence[str], endpoint_type: str) -> Filters:
    """Only rows with these primary keys, in the form that an endpoint takes."""
    if endpoint_type != STORAGE_OPTIMIZED:
        return {key: list(keys)}
    listed = ", ".join("'" + each.replace("'", "''") + "'" for each in keys)
    return f"{key} IN ({listed})"


def columns_of(text: str) -> list[str]:
    """The columns that a condition names.

    Raises:
        InvalidInput: it is no condition.
    """
    parser = _Parser(text)
    parser.condition()
    return parser.columns


class _Parser:
    """Reads a condition from left to right: comparisons, IN, LIKE, BETWEEN, IS NULL, joined by AND, OR, NOT and parentheses."""

    def __init__(self, text: str) -> None:
        self.columns: list[str] = []
        self._text, self._at, self._depth = text, 0, 0

    def condition(self) -> None:
        """The whole of it."""
        self._any()
        if self._text[self._at :].strip():
            raise self._refusal()

    def _any(self) -> None:
        self._one()
        while self._took("AND") or self._took("OR"):
            self._one()

    def _one(self) -> None:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._refusal()
        if self._took("NOT"):
            self._one()
        elif self._took("("):
            self._any()
            self._need(")")
        else:
            self._comparison()
        self._depth -= 1

    def _comparison(self) -> None:
        self.columns.append(self._next("column").strip("`"))
        is_negated = self._took("NOT")
        if self._took("IN"):
            self._need("(")
            self._next("value")
            while self._took(","):
                self._next("value")
            self._need(")")
        elif self._took("BETWEEN"):
            self._next("value")
            self._need("AND")
            self._next("value")
        elif self._took("LIKE"):
            self._next("value")
        elif is_negated:
            raise self._refusal()
        elif self._took("IS"):
            self._took("NOT")
            self._need("NULL")
        elif any(map(self._took, sorted(_SIGNS, key=len, reverse=True))):
            self._next("value")
        else:
            raise self._refusal()

    def _next(self, kind: str) -> str:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found[kind] is None:
            raise self._refusal()
        self._at = found.end()
        return found[kind]

    def _took(self, token: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or (found["sign"] or found["keyword"] or "").upper() != token:
            return False
        self._at = found.end()
        return True

    def _need(self, token: str) -> None:
        if not self._took(token):
            raise self._refusal()

    def _refusal(self) -> InvalidInput:
        rest = self._text[self._at :].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        return InvalidInput(
            f"This condition cannot be read {where}", value=self._text, source="filters",
            accepted=f"{TEXT}, with texts in single quotes; on a STANDARD endpoint {OBJECT}",
        )  # fmt: skip
