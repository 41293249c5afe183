"""The syntax of `simple_query_string`: `"fried eggs" +(eggplant | potato) -frittata pre*`. No text is refused for its form.

As Lucene's SimpleQueryParser: from left to right, and where the operator changes, what stands before it is one clause.
"""

from __future__ import annotations

import re

from sandbox.elastic.search.strings.clauses import EVERYTHING, Clauses, Query
from sandbox.elastic.search.strings.lucene import Unreadable, unescaped

_TOKEN = re.compile(
    r'(?P<space>\s+)|(?P<phrase>"(?:\\.|[^"\\])*")(?P<slop>~\d+)?|(?P<mark>[()|+"])'
    r'|(?P<term>(?:\\.|[^\s"|+()\\])+|\\)',
    re.DOTALL,
)
_FUZZY = re.compile(r".+~\d*", re.DOTALL)


def compiled(text: str, clauses: Clauses) -> Query:
    """The query that a text asks for.

    Raises:
        Unreadable: it has fuzzy terms or slops, which the sandbox does not have.
    """
    return _Parser(text, clauses).group() or {"match_none": {}}


class _Parser:
    def __init__(self, text: str, clauses: Clauses) -> None:
        self._tokens = iter(_TOKEN.finditer(text))
        self._clauses = clauses

    def group(self) -> Query | None:
        """Clauses up to the parenthesis that closes them, or the end."""
        top: Query | None = None
        operation = previous = ""
        default = "must" if self._clauses.operator == "and" else "should"
        negative = False
        for token in self._tokens:
            value = token[0]
            if value == ")":
                break
            if token["space"] or value == '"':
                continue
            if value in ("+", "|"):
                operation = operation or ("must" if value == "+" else "should") if top else ""
                continue
            if token["term"] and value.startswith("-"):
                stripped = value.lstrip("-")
                negative ^= bool((len(value) - len(stripped)) % 2)
                value = stripped
                if not value:
                    continue
            clause = self.group() if value == "(" else self._leaf(value, bool(token["phrase"]))
            if clause is not None:
                if negative:
                    clause = {"bool": {"must_not": [clause], "should": [EVERYTHING]}}
                operation = operation or default
                top = clause if top is None else _added(top, clause, operation, operation == previous)
                previous = operation if top is not clause else ""
            operation, negative = "", False
        return top

    def _leaf(self, value: str, phrase: bool) -> Query:
        if _FUZZY.fullmatch(value):
            raise Unreadable(value, unsupported=f"fuzzy terms and slops: {value}")
        if phrase:
            return self._clauses.phrase(None, unescaped(value[1:-1]))
        if value.endswith("*") and len(value) > 1 and not value.endswith("\\*"):
            start = re.sub(r"([*?\\])", r"\\\1", unescaped(value[:-1]))
            return self._clauses.pattern(None, f"{start}*")
        return self._clauses.text(None, unescaped(value))


def _added(top: Query, clause: Query, operation: str, same: bool) -> Query:
    if same:
        return {"bool": {operation: [*top["bool"][operation], clause]}}
    return {"bool": {operation: [top, clause]}}
