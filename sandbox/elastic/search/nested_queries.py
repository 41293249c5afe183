"""The nested query: a query over the objects of a nested field, whose scores are joined to their documents; and inner hits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from sandbox.elastic.documents import sources
from sandbox.elastic.documents.source_values import at
from sandbox.elastic.documents.store import Row
from sandbox.elastic.indices import mappings, vector_fields
from sandbox.elastic.indices.index import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import hit_values
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, matching
from sandbox.elastic.search.query_kinds import vector_queries
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import whole

_PARAMETERS = {"path", "query", "score_mode", "ignore_unmapped", "inner_hits", "boost", "_name"}
_INNER = {"name", "from", "size", "_source", "fields"}
_MODES = ("avg", "max", "min", "none", "sum")
_INNER_SIZE = 3
"""Of inner hits, unless they ask for more; as documented."""

Evaluate = Callable[[Context, Any, float], Matches]


def nested(context: Context, body: Mapping[str, Any], boost: float, evaluate: Evaluate) -> Matches:
    """Documents of which an object matches; `score_mode` joins the objects' scores.

    Raises:
        Refusal: the path is not nested, or a parameter is unknown or not imitated.
    """
    _refuse_parameters(body)
    path, mode = str(body["path"]), body.get("score_mode", "avg")
    if mode not in _MODES:
        raise search_errors.QUERY_BODY.refusal(problem=f"No score mode for child query [{mode}] found")
    boost *= boost_of("nested", body)
    inner = _inner(body["inner_hits"], path, context.release) if body.get("inner_hits") is not None else None
    if context.is_checked_only:
        evaluate(context, body["query"], boost)
        return context.none()
    if not _is_mapped(context, path, bool(body.get("ignore_unmapped"))):
        return context.none()
    _refuse_skipped_levels(context, path)
    parents, offsets, searcher = context.searcher.nested(path)
    below = replace(context, searcher=searcher, level=path, named={}, sought={}, inner={})
    found = evaluate(below, body["query"], boost)
    if inner is not None:
        _keep(context, NestedHits(inner, context.searcher.index, parents, offsets, found))
    return _joined(context, parents, found, mode)


def near(context: Context, body: Mapping[str, Any], allowed: Array, inner_hits: Any) -> Matches:
    """The search of a knn section for vectors, of documents or of the objects of a nested field.

    Of a nested field, a document is as near as its nearest object; `allowed` is a mask of documents in both cases.

    Raises:
        Refusal: as `vector_queries.near`; or inner hits are asked for of a field that is not within a nested one.
    """
    path = _innermost(context, str(body["field"]))
    if not path:
        if inner_hits is not None:
            problem = (
                f"[inner_hits] cannot be set unless the field [{body['field']}] is within a nested field"
            )
            raise search_errors.KNN.refusal(problem=problem)
        vector_queries.refuse_semantic(context, str(body["field"]))
        return vector_queries.near(context, body, allowed, 1.0)
    inner = _inner(inner_hits, path, context.release) if inner_hits is not None else None
    _refuse_skipped_levels(context, path)
    parents, offsets, searcher = context.searcher.nested(path)
    below = replace(context, searcher=searcher, level=path, named={}, sought={}, inner={})
    found = vector_queries.near(below, body, allowed[parents], 1.0)
    if inner is not None:
        _keep(context, NestedHits(inner, context.searcher.index, parents, offsets, found))
    return _joined(context, parents, found, "max")


def _innermost(context: Context, path: str) -> str:
    """The innermost nested field that a path lies in; empty for none."""
    parts, mapping = path.split("."), context.searcher.index.with_chunks.mapping
    above = [".".join(parts[:cut]) for cut in range(len(parts) - 1, 0, -1)]
    return next((each for each in above if mappings.is_nested_at(mapping, each)), "")


def _keep(context: Context, hits: NestedHits) -> None:
    name, path = hits.request.name, hits.request.path
    if path.endswith(vector_fields.CHUNKS) and not hits.index.has_legacy_semantic_text:
        raise search_errors.NOT_SUPPORTED.refusal(query="nested", parameter=f"inner_hits of [{path}]")
    if name in context.inner:
        raise search_errors.QUERY_BODY.refusal(
            problem=f"[inner_hits] already contains an entry for key [{name}]"
        )
    context.inner[name] = hits


def _refuse_parameters(body: Mapping[str, Any]) -> None:
    for parameter in body:
        if parameter not in _PARAMETERS:
            raise search_errors.NOT_SUPPORTED.refusal(query="nested", parameter=parameter)
    for parameter in ("path", "query"):
        if parameter not in body:
            raise search_errors.QUERY_BODY.refusal(problem=f"[nested] requires '{parameter}' field")


def _is_mapped(context: Context, path: str, may_be_missing: bool) -> bool:
    """Whether the path is that of a nested field.

    Raises:
        Refusal: it is something else, or it is missing and must not be.
    """
    definition = mappings.property_at(context.searcher.index.with_chunks.mapping, path)
    if definition is None and may_be_missing:
        return False
    problem = ""
    if definition is None:
        problem = f"[nested] failed to find nested object under path [{path}]"
    elif not mappings.is_nested(definition):
        problem = f"[nested] nested object under path [{path}] is not of nested type"
    if problem:
        raise search_errors.QUERY_SHARD.refusal(problem=problem)
    return True


@dataclass(frozen=True)
class InnerRequest:
    """What inner hits show."""

    name: str
    path: str
    skip: int
    size: int
    source: sources.SourceFilter
    """By paths of the whole document, as in the service: `passages.text`."""
    fields: hit_values.Asked


@dataclass(frozen=True)
class NestedHits:
    """The matching objects within each document of an index."""

    request: InnerRequest
    index: Index
    parents: Array
    """The document of each object."""
    offsets: Array
    found: Matches

    def shown(self, document: int, row: Row) -> dict[str, Any]:
        """Those of one document, as a hit shows them: best first."""
        asked = self.request
        places = np.flatnonzero((self.parents == document) & self.found.mask)
        ordered = sorted(places.tolist(), key=lambda place: (-self.found.scores[place], self.offsets[place]))
        body = orjson.loads(row.source or b"{}")
        names = asked.path.split(".")
        whole_objects = [one for one in at(body, names) if isinstance(one, dict)]
        shown_objects = [
            one for one in at(asked.source.apply(body, self.index), names) if isinstance(one, dict)
        ]
        objects = shown_objects or [{} for _ in whole_objects]
        known = self.index.with_chunks.fields
        wanted = {
            path: format_
            for pattern, format_ in asked.fields.fields
            for path in matching(known, pattern)
            if path.startswith(f"{asked.path}.")
        }
        hits = [
            {
                "_index": self.index.name,
                "_id": row.id,
                "_nested": {"field": asked.path, "offset": int(self.offsets[place])},
                "_score": shown(self.found.scores[place]),
                **({"_source": objects[self.offsets[place]]} if asked.source.shown else {}),
                **(self._fields(whole_objects[self.offsets[place]], wanted) if wanted else {}),
            }
            for place in ordered[asked.skip : asked.skip + asked.size]
        ]
        best = shown(self.found.scores[ordered[0]]) if ordered else None
        total = {"value": len(ordered), "relation": "eq"}
        return {"hits": {"total": total, "max_score": best, "hits": hits}}

    def _fields(self, found: Mapping[str, Any], wanted: Mapping[str, str | None]) -> dict[str, Any]:
        """The `fields` of one object, which stand below the path of its nested field."""
        path = self.request.path
        index = self.index.with_chunks
        values = hit_values.of_object(found, index.mapping, index.fields, wanted, path)
        return {"fields": {path: [values]}} if values else {}


def _inner(body: Any, path: str, release: Release) -> InnerRequest:
    if not isinstance(body, Mapping):
        raise search_errors.MALFORMED.refusal(name="inner_hits")
    for parameter in body:
        if parameter not in _INNER:
            raise search_errors.NOT_SUPPORTED.refusal(query="inner_hits", parameter=parameter)
    return InnerRequest(
        str(body.get("name", path)),
        path,
        whole("from", body.get("from", 0)),
        whole("size", body.get("size", _INNER_SIZE)),
        sources.of_body(body.get("_source"), release),
        hit_values.Asked.read({"fields": body.get("fields")}),
    )


def _refuse_skipped_levels(context: Context, path: str) -> None:
    """Refuse to reach a nested field within another one in one step, which the service can."""
    parts = path.split(".")
    between = [".".join(parts[:cut]) for cut in range(1, len(parts))]
    for each in between:
        if len(each) > len(context.level) and mappings.is_nested_at(context.searcher.index.mapping, each):
            raise search_errors.NOT_SUPPORTED.refusal(
                query="nested", parameter=f"path [{path}] without [{each}]"
            )


def _joined(context: Context, parents: Array, found: Matches, mode: str) -> Matches:
    size, which = context.searcher.size, parents[found.mask]
    scores = found.scores[found.mask].astype(np.float64)
    mask = np.zeros(size, bool)
    mask[which] = True
    total = np.zeros(size, np.float64)
    if mode in ("avg", "sum"):
        np.add.at(total, which, scores)
        if mode == "avg":
            total /= np.maximum(np.bincount(which, minlength=size), 1)
    elif mode in ("max", "min"):
        total[mask] = -np.inf if mode == "max" else np.inf
        (np.maximum if mode == "max" else np.minimum).at(total, which, scores)
    return Matches(mask & context.searcher.alive, total.astype(np.float32))
