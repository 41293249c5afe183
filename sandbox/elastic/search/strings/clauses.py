"""What a typed query asks of its fields, as queries of the DSL: a text, a phrase, a range, a pattern, existence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.documents import dates
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.mappings import NUMBERS
from sandbox.elastic.search.target_fields import Targets, matching

Query = dict[str, Any]
NOTHING: Query = {"match_none": {}}
EVERYTHING: Query = {"match_all": {}}


@dataclass(frozen=True)
class Clauses:
    """Makes the queries of one typed query, for the fields that it names or for its default ones."""

    index: Index
    targets: Targets
    """The default fields."""
    operator: str = "or"
    """Whether one or every term of a text must be there."""
    lenient: bool = False
    """Whether values that do not fit a field's type match nothing in it, instead of being refused."""
    analyzer: str | None = None
    best_field: bool = True
    """Whether the best field's score counts, instead of the sum of all."""
    tie_breaker: float = 0.0

    def text(self, field: str | None, text: str) -> Query:
        """The terms of a text."""
        options = {"operator": self.operator, "lenient": self.lenient, **self._analyzer()}
        return self._each(field, lambda path: {"match": {path: {"query": text, **options}}})

    def phrase(self, field: str | None, text: str) -> Query:
        """The terms of a text side by side; in a field without terms the whole text."""

        def of(path: str) -> Query:
            if self._type(path) == "text":
                return {"match_phrase": {path: {"query": text, **self._analyzer()}}}
            return {"match": {path: {"query": text, "lenient": self.lenient}}}

        return self._each(field, of)

    def range(self, field: str | None, bounds: Mapping[str, str]) -> Query:
        """Values between bounds: `{"gte": "10"}`."""

        def of(path: str) -> Query:
            fits = all(_fits(self._type(path), bound) for bound in bounds.values())
            return {"range": {path: dict(bounds)}} if fits or not self.lenient else NOTHING

        return self._each(field, of)

    def pattern(self, field: str | None, pattern: str) -> Query:
        """Terms that match a pattern with `*` and `?`; in lower case in texts, as their analyzers write them."""

        def of(path: str) -> Query:
            kind = self._type(path)
            if kind not in ("text", "keyword") and self.lenient:
                return NOTHING
            return {"wildcard": {path: {"value": pattern.lower() if kind == "text" else pattern}}}

        return self._each(field, of)

    def exists(self, field: str) -> Query:
        """Documents that have a field, or one of those that a pattern matches."""
        paths = matching(self.index, field) if "*" in field else [field]
        return _any([{"exists": {"field": path}} for path in paths])

    def _each(self, field: str | None, make: Callable[[str], Query]) -> Query:
        if field is None:
            targets = self.targets
        else:
            targets = [(path, 1.0) for path in (matching(self.index, field) if "*" in field else [field])]
        parts = [boosted(make(path), boost) for path, boost in targets]
        if len(parts) < 2 or not self.best_field:
            return _any(parts)
        return {"dis_max": {"queries": parts, "tie_breaker": self.tie_breaker}}

    def _type(self, path: str) -> str:
        found = self.index.fields.get(path)
        return found.type if found else ""

    def _analyzer(self) -> dict[str, str]:
        return {"analyzer": self.analyzer} if self.analyzer else {}


def boosted(query: Query, boost: float) -> Query:
    """The query with its boost multiplied."""
    if boost == 1.0:
        return query
    ((name, body),) = query.items()
    if name in ("match", "match_phrase", "range", "wildcard"):
        ((path, inner),) = body.items()
        return {name: {path: {**inner, "boost": inner.get("boost", 1.0) * boost}}}
    return {name: {**body, "boost": body.get("boost", 1.0) * boost}}


def _fits(kind: str, bound: str) -> bool:
    try:
        if kind == "date":
            dates.milliseconds(bound)
        elif kind in NUMBERS:
            float(bound)
    except ValueError:
        return False
    return True


def _any(parts: list[Query]) -> Query:
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts}}
