r"""The syntax of `query_string`: `title:(quick OR brown) -"lazy dog" year:[2001 TO *] na?e*^2`, compiled into the DSL.

Operators work as in Lucene's classic parser, without precedence: AND makes the clauses at both its sides required. Terms
that follow each other without an operator are one text. Fuzzy terms, slops and regular expressions are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.search.strings.clauses import EVERYTHING, Clauses, Query, boosted

_SPECIAL = r"\s!():^\[\]\"{}~\\/"
_BOUND = r'"(?:\\.|[^"\\])*"|[^\s\]}]+'
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<bare>[+\-!](?=\s))
    |(?P<sign>[+\-!])
    |(?P<quoted>"(?:\\.|[^"\\])*")
    |(?P<range>[\[{{]\s*(?:{_BOUND})\s+TO\s+(?:{_BOUND})\s*[\]}}])
    |(?P<regexp>/(?:\\.|[^/\\])*/)
    |(?P<boost>\^\d+(?:\.\d+)?)
    |(?P<fuzzy>~\d*(?:\.\d+)?)
    |(?P<mark>[():])
    |(?P<term>(?:\\.|[^{_SPECIAL}+\-])(?:\\.|[^{_SPECIAL}])*)""",
    re.VERBOSE | re.DOTALL,
)
_RANGE = re.compile(rf"([\[{{])\s*({_BOUND})\s+TO\s+({_BOUND})\s*([\]}}])", re.DOTALL)
_WILD = re.compile(r"(?<!\\)(?:\\\\)*[*?]")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WORDS = {"AND": "and", "&&": "and", "OR": "or", "||": "or", "NOT": "sign"}
_COMPARED = re.compile(r"([<>])(=?)(.+)", re.DOTALL)


class Unreadable(Exception):
    """The text does not follow the syntax; or it asks for what the sandbox does not have (`unsupported`)."""

    def __init__(self, problem: str, unsupported: str = "") -> None:
        super().__init__(problem)
        self.unsupported = unsupported


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def compiled(text: str, clauses: Clauses, *, leading_wildcard: bool = True) -> Query:
    """The query that a text asks for.

    Raises:
        Unreadable: it cannot be parsed.
    """
    parser = _Parser(_tokens(text), clauses, leading_wildcard)
    found = parser.query(None)
    parser.expect("end")
    return found or {"match_none": {}}


def unescaped(text: str) -> str:
    r"""A text without its backslashes: `\:` stands for `:`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise Unreadable(f'Lexical error at line 1, column {place + 1}.  Encountered: "{text[place]}"')
        kind, value = str(token.lastgroup), token[0]
        if kind not in ("space", "bare"):
            found.append(_Token(_WORDS.get(value, value if kind == "mark" else kind), value, place))
        place = token.end()
    return [*found, _Token("end", "<EOF>", place)]


class _Parser:
    def __init__(self, tokens: list[_Token], clauses: Clauses, leading_wildcard: bool) -> None:
        self._tokens = tokens
        self._place = 0
        self._clauses = clauses
        self._leading_wildcard = leading_wildcard

    def query(self, field: str | None) -> Query | None:
        """Clauses up to a closing parenthesis or the end; None if there are none."""
        found: list[tuple[str, Query]] = []
        signed = False
        while self._next().kind not in ("end", ")"):
            together = self._text_of_terms()
            if together:
                occur = "must" if self._clauses.operator == "and" else "should"
                found.append((occur, self._clauses.text(field, together)))
                continue
            between = self._take().kind if self._next().kind in ("and", "or") else ""
            sign = self._take().text if self._next().kind == "sign" else ""
            signed = signed or bool(sign)
            clause = self._clause(field)
            self._join(found, between, sign, clause)
        if len(found) == 1 and not signed:
            return found[0][1]
        body: dict[str, Any] = {}
        for occur, clause in found:
            body.setdefault(occur, []).append(clause)
        return {"bool": body} if found else None

    def expect(self, kind: str) -> None:
        """Take a token of this kind, or refuse what is there instead."""
        token = self._take()
        if token.kind != kind:
            raise Unreadable(
                f'Encountered " "{token.text}" "" at line 1, column {token.column}.'
                if token.kind != "end"
                else f'Encountered "<EOF>" at line 1, column {token.column}.'
            )

    def _join(self, found: list[tuple[str, Query]], between: str, sign: str, clause: Query | None) -> None:
        """Add a clause, and change the one before it as the operator between them says."""
        all_required = self._clauses.operator == "and"
        before = {"and": "must", "or": "should" if all_required else ""}.get(between, "")
        if found and before and found[-1][0] != "must_not":
            found[-1] = (before, found[-1][1])
        if clause is None:
            return
        if sign in ("-", "!", "NOT"):
            occur = "must_not"
        elif all_required:
            occur = "should" if between == "or" else "must"
        else:
            occur = "must" if sign == "+" or between == "and" else "should"
        found.append((occur, clause))

    def _text_of_terms(self) -> str:
        """Two or more plain terms in a row; empty if there are not."""
        words: list[str] = []
        while True:
            token, after = (
                self._tokens[self._place],
                self._tokens[min(self._place + 1, len(self._tokens) - 1)],
            )
            stops = (":", "fuzzy", "boost") if not words else (":", "fuzzy", "boost", "and", "or")
            plain = token.kind == "term" and not _WILD.search(token.text) and after.kind not in stops
            if not plain or (not words and (after.kind != "term" or not self._follows(self._place + 1))):
                break
            words.append(unescaped(self._take().text))
        return " ".join(words)

    def _follows(self, place: int) -> bool:
        """Whether the term at a place may be joined to the one before it."""
        after = self._tokens[place + 1].kind
        return not _WILD.search(self._tokens[place].text) and after not in (
            ":",
            "fuzzy",
            "boost",
            "and",
            "or",
        )

    def _clause(self, field: str | None) -> Query | None:
        if self._next().kind == "term" and self._tokens[self._place + 1].kind == ":":
            name = self._take().text
            field = name if _WILD.search(name) else unescaped(name)
            self._take()
        if self._next().kind == "(":
            self._take()
            found = self.query(field)
            self.expect(")")
        else:
            found = self._leaf(field)
        if self._next().kind == "boost":
            boost = float(self._take().text[1:])
            return boosted(found, boost) if found else None
        return found

    def _leaf(self, field: str | None) -> Query:
        token = self._next()
        if token.kind not in ("term", "quoted", "range", "regexp"):
            self.expect("term")
        self._take()
        if token.kind == "regexp":
            raise Unreadable(token.text, unsupported=f"regular expressions: {token.text}")
        if self._next().kind == "fuzzy":
            shown = token.text + self._take().text
            raise Unreadable(shown, unsupported=f"fuzzy terms and slops: {shown}")
        if field == "_exists_":
            return self._clauses.exists(unescaped(token.text.strip('"')))
        if token.kind == "range":
            return self._range(field, token.text)
        if token.kind == "quoted":
            return self._clauses.phrase(field, unescaped(token.text[1:-1]))
        if _WILD.search(token.text):
            return self._pattern(field, token.text)
        compared = _COMPARED.fullmatch(token.text) if field else None
        if compared:
            name = {">": "gt", "<": "lt"}[compared[1]] + ("e" if compared[2] else "")
            return self._clauses.range(field, {name: unescaped(compared[3])})
        return self._clauses.text(field, unescaped(token.text))

    def _range(self, field: str | None, text: str) -> Query:
        found = _RANGE.fullmatch(text)
        if not found:  # the token has this form
            raise AssertionError(text)
        names = ("gte" if found[1] == "[" else "gt", "lte" if found[4] == "]" else "lt")
        bounds = zip(names, (found[2], found[3]), strict=True)
        return self._clauses.range(
            field,
            {
                name: unescaped(bound[1:-1] if bound.startswith('"') else bound)
                for name, bound in bounds
                if bound != "*"
            },
        )

    def _pattern(self, field: str | None, pattern: str) -> Query:
        if pattern == "*":
            return EVERYTHING if field in (None, "*") else self._clauses.exists(field)
        if pattern[0] in "*?" and not self._leading_wildcard:
            raise Unreadable("'*' or '?' not allowed as first character in WildcardQuery")
        return self._clauses.pattern(field, pattern)

    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token
