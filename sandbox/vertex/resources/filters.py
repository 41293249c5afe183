"""The `filter` of the list calls: Google's filter language (AIP-160) on the fields of indexes and endpoints.

Anything that is not understood is refused by name rather than ignored: a filter that silently matches everything makes
teardown dangerous. As AIP-160 has it, OR binds tighter than AND, and terms side by side are joined by AND.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from sandbox.vertex import errors
from sandbox.vertex.resources import conditions
from sandbox.vertex.resources.conditions import Condition, Unsupported

_SPACE = re.compile(r"\s*")
_AND, _OR = re.compile(r"AND(?=[\s(]|$)"), re.compile(r"OR(?=[\s(]|$)")
_NOT = re.compile(r"NOT(?=[\s(]|$)|-")
_OPEN, _CLOSE, _COMMA = re.compile(r"\("), re.compile(r"\)"), re.compile(",")
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_REGEX = re.compile(r"regex\s*\(")
_FIELD = re.compile(rf"[A-Za-z_]\w*(?:\.(?:{_QUOTED}|[^\s\"'()<>=!:,]+))?")
_COMPARATOR = re.compile("<=|>=|!=|[<>=:]")
_VALUE = re.compile(rf"""{_QUOTED}|[^\s"'(),]+""")


def parse(text: str, id_field: str) -> Condition:
    """The condition that `text` states; `id_field` is the name under which the filter knows a resource's id.

    Raises:
        Refusal: INVALID_ARGUMENT for what is not understood.
    """
    if not text.strip():
        return lambda _: True
    try:
        return _Parser(text, id_field).parse()
    except RecursionError:
        raise errors.INVALID_FILTER.refusal(filter=text, problem="it is nested too deeply.") from None


class _Parser:
    """Takes the text from the left, one rule of the grammar a method."""

    def __init__(self, text: str, id_field: str) -> None:
        self._text = text
        self._id_field = id_field
        self._at = 0

    def parse(self) -> Condition:
        found = self._expression()
        if self._at < len(self._text):
            self._refuse(f"{self._text[self._at :]!r} is not understood.")
        return found

    def _expression(self) -> Condition:
        factors = [self._factor()]
        while self._at < len(self._text) and not _CLOSE.match(self._text, self._at):
            self._take(_AND)
            factors.append(self._factor())
        return lambda item: all(factor(item) for factor in factors)

    def _factor(self) -> Condition:
        terms = [self._term()]
        while self._take(_OR):
            terms.append(self._term())
        return lambda item: any(term(item) for term in terms)

    def _term(self) -> Condition:
        if self._take(_NOT):
            simple = self._simple()
            return lambda item: not simple(item)
        return self._simple()

    def _simple(self) -> Condition:
        if self._take(_OPEN):
            inner = self._expression()
            self._need(_CLOSE, "a closing parenthesis")
            return inner
        if self._take(_REGEX):
            field = self._need(_FIELD, "a field")
            self._need(_COMMA, "a comma")
            pattern = _unquoted(self._need(_VALUE, "a pattern"))
            self._need(_CLOSE, "a closing parenthesis")
            return self._condition(conditions.matches, field, pattern)
        field = self._need(_FIELD, "a field")
        comparator = self._need(_COMPARATOR, f"one of = != < <= > >= : after {field!r}")
        value = self._need(_VALUE, f"a value after {field}{comparator}")
        head, dot, key = field.partition(".")
        if head == "labels" and dot:
            return self._condition(
                conditions.label, _unquoted(key), comparator, _unquoted(value), any_value=value == "*"
            )
        return self._condition(conditions.compares, field, comparator, _unquoted(value), self._id_field)

    def _condition(self, make: Callable[..., Condition], *facts: str, **more: bool) -> Condition:
        try:
            return make(*facts, **more)
        except Unsupported as problem:
            self._refuse(str(problem))

    def _take(self, pattern: re.Pattern[str]) -> str:
        """The text that fits here, passed over together with the blanks after it; empty if nothing fits."""
        self._at = self._end(_SPACE)
        found = pattern.match(self._text, self._at)
        if not found:
            return ""
        self._at = found.end()
        self._at = self._end(_SPACE)
        return found[0]

    def _end(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        return found.end() if found else self._at

    def _need(self, pattern: re.Pattern[str], what: str) -> str:
        found = self._take(pattern)
        if not found:
            rest = self._text[self._at :]
            self._refuse(f"{what} is missing before {rest!r}." if rest else f"{what} is missing at its end.")
        return found

    def _refuse(self, problem: str) -> NoReturn:
        raise errors.INVALID_FILTER.refusal(filter=self._text, problem=problem)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
