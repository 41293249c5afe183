"""Searches by an alias with a filter: the filter narrows every part of a search, and scores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def narrowed(query: Any, filter_: Mapping[str, Any] | None) -> Any:
    """A query among the documents of an alias."""
    if filter_ is None:
        return query
    return {"bool": {"must": [query if query is not None else {"match_all": {}}], "filter": [filter_]}}


def narrowed_search(body: Mapping[str, Any], filter_: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of a search among the documents of an alias: its query, its knn searches, or its retriever."""
    if filter_ is None:
        return dict(body)
    found = dict(body)
    if "retriever" in body:
        found["retriever"] = {
            kind: _with(inner, filter_) for kind, inner in _object(body["retriever"]).items()
        }
        return found
    if "knn" in body:
        knn = body["knn"]
        found["knn"] = (
            [_with(each, filter_) for each in knn] if isinstance(knn, list) else _with(knn, filter_)
        )
    if "query" in body or "knn" not in body:
        found["query"] = narrowed(body.get("query"), filter_)
    return found


def _with(clause: Any, filter_: Mapping[str, Any]) -> Any:
    if not isinstance(clause, Mapping):
        return clause
    given = clause.get("filter") or []
    return {**clause, "filter": [*(given if isinstance(given, list) else [given]), filter_]}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
