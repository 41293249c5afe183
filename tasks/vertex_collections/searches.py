"""Searches in a collection: by a vector, by words, by meaning, or by several fused; and counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import json_format, struct_pb2

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import calling
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import CollectionState, collection_of
from tasks.vertex_collections.ids import data_object_id, original_id

MOST_FOUND = 1000
"""The largest page (SearchDataObjectsRequest.page_size); more is not asked for at once."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for, in one or more ways; several are fused by reciprocal rank."""

    vector: tuple[float, ...] = ()
    """Nearest by the vector field."""
    text: str = ""
    """By words, in the fields of `text_fields`."""
    text_fields: tuple[str, ...] = ()
    meaning: str = ""
    """By meaning: the service embeds it with the model of the vector field."""
    weights: tuple[float, ...] = ()
    """Of the ways that are used, in this order: vector, meaning, text. Empty: equal."""
    top_k: int = 10
    filter: dict[str, Any] | None = None
    """In the service's own syntax: `{"genre": {"$eq": "Drama"}}`."""
    data_fields: tuple[str, ...] = ()
    """What answers hold beside the id; `*` for all."""
    exact: bool = False
    """Compare with every vector, also where there is an index."""
    target_recall: float | None = None
    """Of the index, 0 to 1; None leaves it to the service."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One data object that a search found."""

    id: str
    """As the data has it."""
    data_object_id: str
    distance: float
    """By what the collection is measured with, or the score of a fused ranking or of words."""
    data: dict[str, Any]


def parse_filter(text: str) -> dict[str, Any]:
    """A filter in the service's own syntax, from its JSON.

    Raises:
        InvalidInput: it is no JSON object, or holds a number that a double cannot.
    """
    accepted = 'a JSON object such as {"genre": {"$eq": "Drama"}}'
    try:
        given = exact(text.encode())
        return json_format.MessageToDict(json_format.ParseDict(given, struct_pb2.Struct()))
    except (NotExact, UnicodeError, json_format.ParseError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"This filter cannot be read ({error})", value=text, source="filter", accepted=accepted
        ) from error


@step("search collection {collection.name}")
def read_found(
    settings: VertexSettings, collection: CollectionState, search: Search, index: str | None = None
) -> tuple[Found, ...]:
    """The data objects that a search finds, the best first.

    Args:
        settings: the target.
        collection: where.
        search: what.
        index: the resource name of the collection's index; None when it has none.

    Raises:
        InvalidInput: the search does not fit the collection.
        ServiceRefused: the service does not understand the filter.
    """
    return find(settings, collection, search, index)


def find(
    settings: VertexSettings, collection: CollectionState, search: Search, index: str | None
) -> tuple[Found, ...]:
    """As `read_found`, without a step of its own."""
    ways = _ways(collection, search, index)
    fields = v1.OutputFields(data_fields=list(search.data_fields))
    searches, doing = connect(settings).searches, f"search collection {collection.name}"
    if len(ways) == 1:
        (kind, asked), *_ = ways
        asked.output_fields = fields
        request = v1.SearchDataObjectsRequest({"parent": collection.resource, kind: asked})
        with calling(doing):
            page = next(iter(searches.search_data_objects(request, timeout=CALL_SECONDS, retry=None).pages))
        return tuple(map(_found, page.results))
    ranker = v1.Ranker(rrf=v1.ReciprocalRankFusion(weights=_weights(search, len(ways))))
    batch = v1.BatchSearchDataObjectsRequest(
        parent=collection.resource,
        searches=[v1.Search({kind: asked}) for kind, asked in ways],
        combine=v1.BatchSearchDataObjectsRequest.CombineResultsOptions(
            ranker=ranker, output_fields=fields, top_k=search.top_k
        ),
    )
    with calling(doing):
        (answer,) = searches.batch_search_data_objects(batch, timeout=CALL_SECONDS, retry=None).results
    return tuple(map(_found, answer.results))


@step("count the data objects of collection {name}")
def read_count(settings: VertexSettings, name: str, filter: dict[str, Any] | None = None) -> int:  # noqa: A002 -- the service's word
    """How many data objects a collection holds, or how many of them a filter takes."""
    request = v1.AggregateDataObjectsRequest(
        parent=collection_of(settings, name), aggregate=v1.AggregationMethod.COUNT, filter=filter or {}
    )
    with calling(f"count the data objects of collection {name}"):
        answer = connect(settings).searches.aggregate_data_objects(request, timeout=CALL_SECONDS, retry=None)
    # One number in one result; what it is called is not documented.
    results = v1.AggregateDataObjectsResponse.pb(answer).aggregate_results
    numbers = [int(value) for each in results for value in json_format.MessageToDict(each).values()]
    return numbers[0] if numbers else 0


@step("read data object {id_} of collection {collection.name}")
def read_vector(settings: VertexSettings, collection: CollectionState, id_: str) -> tuple[float, ...]:
    """The vector of a stored data object.

    Raises:
        NotFound: there is no such data object.
        InvalidInput: it has no vector.
    """
    name = f"{collection.resource}/dataObjects/{data_object_id(id_)}"
    with calling(f"read data object {id_!r}"):
        there = connect(settings).data_objects.get_data_object(name=name, timeout=CALL_SECONDS, retry=None)
    vector = there.vectors.get(collection.vector_field)
    if vector is None:
        raise InvalidInput(
            "This data object has no vector to search with", value=id_, source="data_object_id"
        )
    return tuple(vector.dense.values)


def _ways(collection: CollectionState, search: Search, index: str | None) -> list[tuple[str, Any]]:
    """Each way of a search, as the service takes it."""
    found = list[tuple[str, Any]]()
    common: dict[str, Any] = {"top_k": search.top_k, "filter": search.filter or {}}
    by_field: dict[str, Any] = common | {
        "search_field": collection.vector_field,
        "search_hint": _hint(search, index),
    }
    if search.vector:
        if len(search.vector) != collection.dimensions:
            raise InvalidInput(
                "The vector has another number of dimensions than the collection",
                value=len(search.vector),
                source="vector",
                accepted=str(collection.dimensions),
            )
        nearest = v1.VectorSearch(
            **by_field,
            vector=v1.DenseVector(values=search.vector),
            distance_metric=v1.DistanceMetric[collection.metric],
        )
        found.append(("vector_search", nearest))
    if search.meaning:
        if not collection.model:
            raise InvalidInput(
                f"The collection {collection.name} has no embedding model, so nothing can embed this text",
                value=search.meaning,
                source="semantic_text",
                remedy="Search with --text by words, with --vector, or build a collection with --embedding-model.",
            )
        by_meaning = v1.SemanticSearch(
            **by_field, search_text=search.meaning, task_type=_query_task(collection)
        )
        found.append(("semantic_search", by_meaning))
    if search.text:
        unknown = [field for field in search.text_fields if field not in collection.data_fields]
        if unknown or not search.text_fields:
            raise InvalidInput(
                "A search by words names the data fields to look in",
                value=", ".join(unknown) or None,
                source="text_fields",
                accepted=", ".join(collection.data_fields) or "none: the collection has no data fields",
            )
        words = v1.TextSearch(**common, search_text=search.text, data_field_names=list(search.text_fields))
        found.append(("text_search", words))
    return found


def _hint(search: Search, index: str | None) -> v1.SearchHint:
    if search.exact or index is None:
        return v1.SearchHint(knn_hint=v1.SearchHint.KnnHint())
    hint: dict[str, Any] = {"name": index}
    if search.target_recall is not None:
        hint["dense_scann_params"] = {"target_recall": search.target_recall}
    return v1.SearchHint(index_hint=v1.SearchHint.IndexHint(hint))


def _query_task(collection: CollectionState) -> v1.EmbeddingTaskType:
    """What a query is embedded for: documents are searched with queries, all else with its like."""
    kind = v1.EmbeddingTaskType(collection.task_type)
    return v1.EmbeddingTaskType.RETRIEVAL_QUERY if kind == v1.EmbeddingTaskType.RETRIEVAL_DOCUMENT else kind


def _weights(search: Search, ways: int) -> Sequence[float]:
    if search.weights and len(search.weights) != ways:
        raise InvalidInput(
            "There must be one weight for each way that is searched",
            value=len(search.weights),
            source="weights",
            accepted=f"{ways}, in this order: vector, semantic_text, text",
        )
    return search.weights or [1.0] * ways


def _found(result: v1.SearchResult) -> Found:
    data = v1.DataObject.pb(result.data_object).data
    id_ = result.data_object.name.rpartition("/")[2]
    return Found(
        id=original_id(id_),
        data_object_id=id_,
        distance=result.distance,
        data=_whole(json_format.MessageToDict(data)),
    )


def _whole(value: Any) -> Any:
    """The same with 2 for 2.0: the service keeps every number as a double."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_whole(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return int(value) if isinstance(value, float) and value.is_integer() else value
