"""The composite aggregation: a bucket for each combination of several sources' values, in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sandbox.elastic.documents import date_formats
from sandbox.elastic.indices.mappings import NUMBERS
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.buckets import Below, Bucket
from sandbox.elastic.search.aggregations.histograms import interval_of, rounded, rounding_of, zone_of
from sandbox.elastic.search.aggregations.selection import Selection, Values, values
from sandbox.elastic.search.query_bodies import mapped
from sandbox.elastic.wire.exchange import whole

_KNOWN = {
    "terms": {"field", "order", "missing_bucket", "missing_order", "format"},
    "histogram": {"field", "order", "missing_bucket", "missing_order", "interval", "format"},
    "date_histogram": {"field", "order", "missing_bucket", "missing_order", "format"}
    | {"calendar_interval", "fixed_interval", "time_zone", "offset"},
}


@dataclass(frozen=True)
class _Source:
    name: str
    kind: str
    body: Mapping[str, Any]
    found: Values
    keys: Sequence[Sequence[Any]]
    """For each index, the keys of the values."""

    def shown(self, key: Any) -> Any:
        if key is None or self.kind == "histogram":
            return key
        if self.found.kind == "boolean":
            return bool(key)
        if self.kind == "date_histogram" and self.body.get("format"):
            return date_formats.shown(key, self.body["format"], zone_of(self.body))
        return self.found.key(key) if self.kind == "terms" else int(key)

    def level(self, key: Any) -> tuple[int, Any]:
        """What keys are compared by: those that are missing come first, as the smallest."""
        return (0, 0) if key is None else (1, key)

    @property
    def descending(self) -> bool:
        return str(self.body.get("order", "asc")).lower() == "desc"


class _Reversed:
    def __init__(self, level: tuple[int, Any]) -> None:
        self.level = level

    def __lt__(self, other: _Reversed) -> bool:
        return other.level < self.level

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.level == other.level

    def __hash__(self) -> int:
        return hash(self.level)


def composite(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """A page of buckets, after the key of `after`."""
    sources = [_source(selection, each) for each in _sources(body)]
    size = whole("size", body.get("size", 10))
    members: dict[tuple[Any, ...], list[list[int]]] = {}
    for place, documents in enumerate(selection.documents):
        of_sources = [_by_document(source, place, documents.tolist()) for source in sources]
        for document in documents.tolist():
            for key in product(*(each.get(document, ()) for each in of_sources)):
                members.setdefault(key, [[] for _ in selection.documents])[place].append(document)

    def order(key: tuple[Any, ...]) -> tuple[Any, ...]:
        levels = [(source, source.level(each)) for source, each in zip(sources, key, strict=True)]
        return tuple(_Reversed(level) if source.descending else level for source, level in levels)

    keys = sorted(members, key=order)
    if body.get("after") is not None:
        last = order(_after(sources, body["after"]))
        keys = [key for key in keys if last < order(key)]
    buckets: list[Bucket] = []
    for key in keys[:size]:
        part = selection.of([np.array(sorted(set(each)), np.int64) for each in members[key]])
        shown = {source.name: source.shown(each) for source, each in zip(sources, key, strict=True)}
        buckets.append({"key": shown, "doc_count": part.count, **below(part)})
    return {**({"after_key": buckets[-1]["key"]} if buckets else {}), "buckets": buckets}


def _sources(body: Mapping[str, Any]) -> list[Any]:
    given = body.get("sources")
    if not isinstance(given, list) or not given:
        raise aggregation_errors.VALUE.refusal(problem="Composite [sources] cannot be null or empty")
    return given


def _source(selection: Selection, given: Any) -> _Source:
    try:
        ((name, definition),) = given.items()
        ((kind, body),) = definition.items()
    except (AttributeError, ValueError):
        raise aggregation_errors.PARAMETER.refusal(kind="composite", parameter=f"sources: {given}") from None
    if kind not in _KNOWN:
        raise aggregation_errors.PARAMETER.refusal(kind="composite", parameter=kind)
    for parameter in body:
        if parameter not in _KNOWN[kind] or (parameter == "missing_order" and body[parameter] != "default"):
            raise aggregation_errors.PARAMETER.refusal(kind=f"composite {kind}", parameter=parameter)
    accepted = {"histogram": NUMBERS, "date_histogram": ("date", *NUMBERS)}.get(kind)
    found = values(selection, kind, body, accepted)
    if kind == "terms":
        keys = [each.tolist() for each in found.values]
    elif kind == "histogram":
        keys = [rounded(each, interval_of(selection, body)).tolist() for each in found.values]
    else:
        start, _ = rounding_of(body, zone_of(body))
        keys = [[start(int(value)) for value in each] for each in found.values]
    return _Source(name, kind, body, found, keys)


def _by_document(source: _Source, place: int, documents: Sequence[int]) -> dict[int, list[Any]]:
    result: dict[int, list[Any]] = {}
    for document, key in zip(source.found.documents[place].tolist(), source.keys[place], strict=True):
        kept = result.setdefault(document, [])
        if key not in kept:
            kept.append(key)
    if source.body.get("missing_bucket"):
        for document in documents:
            result.setdefault(document, [None])
    return result


def _after(sources: Sequence[_Source], given: Any) -> tuple[Any, ...]:
    if set(mapped("composite", "after", given)) != {source.name for source in sources}:
        problem = f"[after] has {len(given)} value(s) but [sources] has {len(sources)}"
        raise aggregation_errors.VALUE.refusal(problem=problem)
    return tuple(_key(source, given[source.name]) for source in sources)


def _key(source: _Source, given: Any) -> Any:
    if isinstance(given, str) and source.kind == "date_histogram" and source.body.get("format"):
        return date_formats.parsed(given, source.body["format"], zone_of(source.body))
    return given
