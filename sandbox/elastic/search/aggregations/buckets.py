"""Aggregations that sort documents into buckets: terms, ranges, filters, missing, global."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any

import numpy as np

from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.metrics import NUMERIC
from sandbox.elastic.search.aggregations.selection import Selection, grouped, point, values
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.wire.exchange import whole

Below = Callable[[Selection], dict[str, Any]]
"""Computes the sub-aggregations of a bucket."""
Bucket = dict[str, Any]
LIMIT = 65_536
"""`search.max_buckets`."""


def terms(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """A bucket for each value, those with most documents first."""
    found = values(selection, "terms", body)
    size, least = whole("size", body.get("size", 10)), whole("min_doc_count", body.get("min_doc_count", 1))
    if size <= 0:
        raise aggregation_errors.VALUE.refusal(
            problem=f"[size] must be greater than 0. Found [{size}] in [{selection.name}]"
        )
    included, excluded = _listed(body, "include"), _listed(body, "exclude")
    kept: list[Bucket] = []
    for key, part in grouped(selection, found, found.values):
        named = found.shown(key) or str(found.key(key))
        if part.count < max(1, least) or (included and named not in included) or named in (excluded or ()):
            continue
        text = found.shown(key)
        kept.append(
            {
                "key": found.key(key),
                **({} if text is None else {"key_as_string": text}),
                "doc_count": part.count,
                **below(part),
            }
        )
    kept = ordered(kept, body.get("order", {"_count": "desc"}))
    check_count(len(kept[:size]))
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(each["doc_count"] for each in kept[size:]),
        "buckets": kept[:size],
    }


def _listed(body: Mapping[str, Any], name: str) -> list[str] | None:
    given = body.get(name)
    if given is None:
        return None
    if not isinstance(given, list):
        raise aggregation_errors.PARAMETER.refusal(kind="terms", parameter=f"{name}: {given}")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in given]


def check_order(order: Any, below: Mapping[str, Any]) -> None:
    """Refuse an order by an aggregation that is not below, also where there is nothing to order.

    Raises:
        Refusal: naming the path.
    """
    for each in order if isinstance(order, list) else [order]:
        for path in each if isinstance(each, Mapping) else ():
            first = str(path).split(">", maxsplit=1)[0]
            if first not in ("_count", "_key") and not {first, first.rpartition(".")[0]} & set(below):
                raise aggregation_errors.ORDER.refusal(path=path, name=first)


def ordered(buckets: list[Bucket], order: Any) -> list[Bucket]:
    """Buckets by one or several orders; ties by key.

    Raises:
        Refusal: an order names what a bucket does not have.
    """
    orders: list[tuple[str, bool]] = []
    for each in order if isinstance(order, list) else [order]:
        if not isinstance(each, Mapping) or len(each) != 1:
            raise aggregation_errors.VALUE.refusal(
                problem="Must specify at least one field for [order]"
                if not each
                else f"Unknown order [{each}]"
            )
        ((path, direction),) = each.items()
        if str(direction).lower() not in ("asc", "desc"):
            raise aggregation_errors.ORDER_DIRECTION.refusal(direction=direction)
        orders.append((path, str(direction).lower() == "desc"))
    orders.append(("_key", False))

    def compare(one: Bucket, other: Bucket) -> int:
        for path, descending in orders:
            first, second = _at(one, path), _at(other, path)
            if first == second:
                continue
            if first is None or second is None:
                return 1 if first is None else -1
            return (1 if first > second else -1) * (-1 if descending else 1)
        return 0

    return sorted(buckets, key=cmp_to_key(compare))


def _at(bucket: Bucket, path: str) -> Any:
    plain = {"_count": "doc_count", "_key": "key"}.get(path)
    if plain:
        return bucket[plain]
    found: Any = bucket
    for part in path.replace(">", ".").split("."):
        found, name = _below(found, part)
        if not isinstance(found, dict) or name not in found:
            raise aggregation_errors.ORDER.refusal(path=path, name=part)
        found = found[name]
    if isinstance(found, dict):
        found = found.get("value", found.get("doc_count"))
    return found


def _below(found: Any, part: str) -> tuple[Any, str]:
    """Where a part of an order's path stands: `50` of percentiles is among their values."""
    if isinstance(found, dict) and "values" in found and part.isdigit():
        return found["values"], f"{part}.0"
    return found, "doc_count" if part == "_count" else part


def check_count(count: int) -> None:
    """Refuse more buckets than the cluster allows.

    Raises:
        Refusal: there are.
    """
    if count > LIMIT:
        raise aggregation_errors.TOO_MANY_BUCKETS.refusal(limit=LIMIT, count=count)


def filter_(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """The documents that a query matches."""
    return _one(_filtered(selection, body), below)


def filters(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """A bucket for each query, and one for the rest if that is asked for."""
    given = body.get("filters")
    if not isinstance(given, Mapping | list) or not given:
        raise aggregation_errors.VALUE.refusal(problem="[filters] cannot be empty.")
    named = given if isinstance(given, Mapping) else dict(enumerate(given))
    parts = {name: _filtered(selection, query) for name, query in named.items()}
    key = body.get("other_bucket_key")
    if key is not None or body.get("other_bucket"):
        rest = []
        for place, documents in enumerate(selection.documents):
            matched = [part.documents[place] for part in parts.values()]
            rest.append(np.setdiff1d(documents, np.concatenate(matched)))
        parts[key or "_other_"] = selection.of(rest)
    shown = {name: _one(part, below) for name, part in parts.items()}
    return {"buckets": shown if isinstance(given, Mapping) else list(shown.values())}


def missing(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """The documents without a value in a field."""
    found = values(selection, "missing", body)
    parts = [
        np.setdiff1d(everyone, having)
        for everyone, having in zip(selection.documents, found.documents, strict=True)
    ]
    return _one(selection.of(parts), below)


def global_(selection: Selection, _: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """All documents of the indices, whatever the query matches."""
    return _one(selection.everything(), below)


def range_(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """A bucket for each range of numbers: from `from`, below `to`."""
    return _ranges(selection, body, below, "range")


def date_range(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """A bucket for each range of dates, which may be date math."""
    return _ranges(selection, body, below, "date_range")


def _ranges(selection: Selection, body: Mapping[str, Any], below: Below, kind: str) -> dict[str, Any]:
    found = values(selection, kind, body, NUMERIC)
    type_ = "date" if kind == "date_range" else found.kind
    given = body.get("ranges")
    if not isinstance(given, list) or not given:
        raise aggregation_errors.VALUE.refusal(
            problem=f"No [ranges] specified for the [{selection.name}] aggregation"
        )
    result: list[Bucket] = []
    for each in given:
        if not isinstance(each, Mapping) or set(each) - {"from", "to", "key"}:
            raise aggregation_errors.PARAMETER.refusal(kind=kind, parameter=f"ranges: {each}")
        bounds = {
            name: point(each[name], type_, found.format, kind)
            for name in ("from", "to")
            if each.get(name) is not None
        }
        parts = []
        for documents, numbers in zip(found.documents, found.values, strict=True):
            inside = np.ones(len(numbers), bool)
            inside &= numbers >= bounds["from"] if "from" in bounds else True
            inside &= numbers < bounds["to"] if "to" in bounds else True
            parts.append(np.unique(documents[inside]))
        texts = {name: _bound(found, type_, value) for name, value in bounds.items()}
        shown: Bucket = {"key": each.get("key", f"{texts.get('from', '*')}-{texts.get('to', '*')}")}
        for name, value in bounds.items():
            shown[name] = float(value)
            if type_ == "date":
                shown[f"{name}_as_string"] = texts[name]
        part = selection.of(parts)
        result.append({**shown, "doc_count": part.count, **below(part)})
    result.sort(key=lambda each: (each.get("from", -np.inf), each.get("to", np.inf)))
    if body.get("keyed"):
        return {"buckets": {each.pop("key"): each for each in result}}
    return {"buckets": result}


def _bound(found: Any, type_: str, value: float) -> str:
    return str(found.shown(value)) if type_ == "date" and found.kind == "date" else str(float(value))


def _filtered(selection: Selection, query: Any) -> Selection:
    return selection.matching([evaluate(context, query).mask for context in selection.contexts])


def _one(part: Selection, below: Below) -> Bucket:
    return {"doc_count": part.count, **below(part)}
