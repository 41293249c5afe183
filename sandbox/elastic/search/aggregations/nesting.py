"""Aggregations that go down to the objects of a nested field, and up again to what they are within."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sandbox.elastic.indices import mappings
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.buckets import Below
from sandbox.elastic.search.aggregations.selection import Enclosing, Selection
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.searcher import Array


def nested(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """The objects of a nested field in the documents; none of a path that is not nested."""
    for step in _steps(selection, body["path"]):
        selection = _down(selection, step)
    return {"doc_count": selection.count, **below(selection)}


def reverse_nested(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """What the objects are within: the documents, or with `path` the objects of a nested field around them.

    Raises:
        Refusal: the path is nested, and not around the objects.
    """
    wanted = str(body.get("path") or "")
    if wanted and not any(_is_nested(context, wanted) for context in selection.contexts):
        selection = selection.of([each[:0] for each in selection.documents])
        return {"doc_count": 0, **below(selection)}
    while selection.enclosing and selection.level != wanted:
        selection = selection.enclosing.of(selection.documents)
    if selection.level != wanted:
        raise aggregation_errors.REVERSE_PATH.refusal(path=wanted)
    return {"doc_count": selection.count, **below(selection)}


def _steps(selection: Selection, path: str) -> list[str]:
    """The nested fields from the selection's level down to a path, which is the last."""
    parts = path.split(".")
    above = [".".join(parts[:cut]) for cut in range(1, len(parts))]
    between = [
        each
        for each in above
        if len(each) > len(selection.level)
        and any(_is_nested(context, each) for context in selection.contexts)
    ]
    return [*between, path]


def _down(selection: Selection, path: str) -> Selection:
    """The objects of a nested field within what is selected."""
    found = [_objects(each, path) for each in selection.contexts]
    parents = [of for _, of in found]
    chosen = [
        np.flatnonzero(np.isin(of, documents))
        for of, documents in zip(parents, selection.documents, strict=True)
    ]
    return Selection(
        [context for context, _ in found], chosen, _no_hits, enclosing=Enclosing(selection, parents)
    )


def _objects(context: Context, path: str) -> tuple[Context, Array]:
    """A search of the objects of an index, and what each of them is within."""
    if _is_nested(context, path):
        parents, _, searcher = context.searcher.nested(path)
    else:
        parents, searcher = np.empty(0, np.int64), context.searcher.without_documents()
    return replace(context, searcher=searcher, level=path, named={}, sought={}, inner={}), parents


def _is_nested(context: Context, path: str) -> bool:
    return mappings.is_nested_at(context.searcher.index.mapping, path)


def _no_hits(body: Any, documents: Sequence[Array]) -> dict[str, Any]:
    del body, documents
    raise aggregation_errors.NO_HITS_OF_OBJECTS.refusal()
