"""DataObjectSearchService: searches by vectors and words, queries and counts by filters."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from google.cloud import vectorsearch_v1 as v1
from google.protobuf import json_format

from sandbox.vertex import errors
from sandbox.vertex.collections import filters, output, rankings, schemas
from sandbox.vertex.collections.data_objects import DataObjects
from sandbox.vertex.collections.rankings import Ranking
from sandbox.vertex.collections.resources import INDEX, Resources
from sandbox.vertex.data.vectors import normalised

BatchSearchResponse = v1.BatchSearchDataObjectsResponse.pb()
QueryResponse = v1.QueryDataObjectsResponse.pb()
AggregateResponse = v1.AggregateDataObjectsResponse.pb()
_DEFAULT_TOP_K = 10
_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000


class DataObjectSearchService:
    """Methods in the order of data_object_search_service.proto."""

    def __init__(self, resources: Resources, objects: DataObjects) -> None:
        self._resources, self._objects = resources, objects

    def SearchDataObjects(self, request: Any) -> Any:
        """The nearest data objects; in pages only if no index answers."""
        ranking, asked, indexed = self._search(request.parent, request)
        if indexed and (request.page_size or request.page_token):
            _refuse("page_size and page_token are for searches without an index (knn_hint)")
        shown, token = _page(ranking, request, len(ranking))
        return output.results(shown, asked.output_fields, token)

    def QueryDataObjects(self, request: Any) -> Any:
        """The data objects that fulfil a filter, oldest first."""
        found = self._filtered(self._resources.collection(request.parent)[0], request.filter)
        shown, token = _page(found, request, _DEFAULT_PAGE)
        objects = [output.shown(each, request.output_fields) for each in shown]
        return QueryResponse(data_objects=objects, next_page_token=token)

    def AggregateDataObjects(self, request: Any) -> Any:
        """The number of data objects that fulfil a filter."""
        if request.aggregate != v1.AggregationMethod.COUNT:
            _refuse("aggregate must be COUNT")
        found = self._filtered(self._resources.collection(request.parent)[0], request.filter)
        response = AggregateResponse()
        response.aggregate_results.add().update({"count": len(found)})
        return response

    def BatchSearchDataObjects(self, request: Any) -> Any:
        """An answer to each search, or one that combines them by reciprocal rank fusion."""
        if not request.searches:
            _refuse("searches is empty")
        found = [self._search(request.parent, each) for each in request.searches]
        if not request.HasField("combine"):
            return BatchSearchResponse(
                results=[output.results(ranking, asked.output_fields) for ranking, asked, _ in found]
            )
        combine = request.combine
        if combine.ranker.HasField("vertex_ranker"):
            raise errors.NOT_IMITATED.refusal(what="the ranking model of vertex_ranker")
        weights = list(combine.ranker.rrf.weights)
        if len(weights) != len(found):
            _refuse(f"rrf has {len(weights)} weights for {len(found)} searches")
        fused = rankings.fused([ranking for ranking, _, _ in found], weights)
        best = fused[: _top_k(combine.top_k or _DEFAULT_TOP_K)]
        return BatchSearchResponse(results=[output.results(best, combine.output_fields)])

    def _search(self, parent: str, request: Any) -> tuple[Ranking, Any, bool]:
        """The best of a search, the search, and whether an index answers it."""
        kind = request.WhichOneof("search_type")
        if kind is None:
            _refuse("it needs vector_search, semantic_search or text_search")
        name, collection = self._resources.collection(parent)
        asked = getattr(request, kind)
        top_k = _top_k(asked.top_k if asked.HasField("top_k") else _DEFAULT_TOP_K)
        if kind == "semantic_search":
            _refuse_semantic(asked, collection)
        if kind == "text_search":
            return self._by_words(name, asked)[:top_k], asked, False
        index = self._index(name, asked)
        return self._by_vector(name, collection, asked, index)[:top_k], asked, index is not None

    def _by_words(self, name: str, asked: Any) -> Ranking:
        if not asked.search_text or not asked.data_field_names:
            _refuse("a text search needs search_text and data_field_names")

        def text(each: Any) -> str:
            data = json_format.MessageToDict(each.data)
            return " ".join(str(data[field]) for field in asked.data_field_names if field in data)

        return rankings.words(self._filtered(name, asked.filter), text, asked.search_text)

    def _by_vector(self, name: str, collection: Any, asked: Any, index: Any) -> Ranking:
        kind = {"vector": "dense", "sparse_vector": "sparse"}.get(asked.WhichOneof("vector_type") or "", "")
        field = _field(asked, collection)
        query = asked.sparse_vector if kind == "sparse" else asked.vector
        if problem := schemas.vector_problem(query, kind, field):
            _refuse(f"the vector for {asked.search_field!r}: {problem}")
        eligible = self._filtered(name, asked.filter)
        if kind == "sparse":
            return rankings.sparse(eligible, asked.search_field, query)
        having, vectors = self._objects.matrix(name, asked.search_field)
        metric = index.distance_metric if index else asked.distance_metric
        wanted = np.array(query.values, dtype="f4")
        if index and index.dense_scann.feature_norm_type == v1.DenseScannIndex.FeatureNormType.UNIT_L2_NORM:
            vectors, wanted = normalised(vectors), normalised(wanted)
        ranking = rankings.dense(having, vectors, wanted, metric)
        if not asked.filter.fields:
            return ranking
        names = {each.name for each in eligible}
        return [pair for pair in ranking if pair[0].name in names]

    def _index(self, name: str, asked: Any) -> Any:
        """The index that answers: the one that is named, or any on the field; None for a search without one."""
        hint = asked.search_hint.WhichOneof("index_type")
        if hint == "knn_hint":
            return None
        if hint == "index_hint":
            found = self._resources.message(self._resources.ready(INDEX, asked.search_hint.index_hint.name))
            if not found.name.startswith(f"{name}/indexes/") or found.index_field != asked.search_field:
                _refuse(f"the index {found.name} is not on {asked.search_field!r} of this collection")
            return found
        ready = [each for each in self._resources.below(INDEX, name) if each.ready_at]
        messages = [self._resources.message(each) for each in ready]
        return next((each for each in messages if each.index_field == asked.search_field), None)

    def _filtered(self, name: str, given: Any) -> list[Any]:
        objects = self._objects.of(name).values()
        if not given.fields:
            return list(objects)
        fulfils = filters.parse(given)
        return [each for each in objects if fulfils(json_format.MessageToDict(each.data))]


def _field(asked: Any, collection: Any) -> Any:
    if asked.search_field not in collection.vector_schema:
        known = ", ".join(sorted(collection.vector_schema)) or "none"
        _refuse(f"search_field {asked.search_field!r} is not in the vector schema; it has {known}")
    return collection.vector_schema[asked.search_field]


def _refuse_semantic(asked: Any, collection: Any) -> None:
    if not _field(asked, collection).dense_vector.HasField("vertex_embedding_config"):
        _refuse(f"the field {asked.search_field!r} has no vertex_embedding_config")
    raise errors.NOT_IMITATED.refusal(what=f"the embedding model of the field {asked.search_field!r}")


def _top_k(given: int) -> int:
    if given < 1:
        _refuse(f"top_k must be positive; it is {given}")
    return given


def _page(items: list[Any], request: Any, default: int) -> tuple[list[Any], str]:
    """One page, and the token of the next: the number of items that were shown so far."""
    token, size = request.page_token, request.page_size
    if token and not token.isdecimal():
        raise errors.INVALID_PAGE_TOKEN.refusal(token=token)
    if size < 0:
        _refuse(f"page_size must not be negative; it is {size}")
    start = int(token or 0)
    end = start + (min(size, _LARGEST_PAGE) or default)
    return items[start:end], str(end) if end < len(items) else ""


def _refuse(problem: str) -> NoReturn:
    raise errors.INVALID_SEARCH.refusal(problem=problem)
