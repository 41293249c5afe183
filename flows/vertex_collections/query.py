"""`vertex-collections query`: search by a vector, by words, by meaning, or by several of them fused. Changes nothing."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.results import result
from flows.vertex.options import DATA, DataOptions
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from flows.vertex_collections.options import BuiltCollectionOptions
from tasks.errors import InvalidInput
from tasks.vertex.imports.import_data import read_query_vectors
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.collections import CollectionState, read_collection
from tasks.vertex_collections.indexes import read_collection_index
from tasks.vertex_collections.searches import MOST_FOUND, Search, parse_filter, read_found, read_vector


class QueryCollectionOptions(BuiltCollectionOptions, DataOptions, frozen=True):
    """The options of `vertex-collections query`."""

    vector: tuple[float, ...] = Field(default=(), description="The query vector.")
    data_object_id: str | None = Field(
        default=None, description="Query with the vector of this stored data object, by its id in your data."
    )
    data: str | None = Field(default=None, description=f"Query with one of the queries of this file: {DATA}")
    row: int = Field(default=0, ge=0, description="The row of the query, counted from 0.")
    text: str | None = Field(default=None, min_length=1, description="Search by these words, in text_fields.")
    text_fields: tuple[str, ...] = Field(default=(), description="The data fields to look for words in.")
    semantic_text: str | None = Field(
        default=None,
        min_length=1,
        description="Search by the meaning of this text; the collection needs an embedding model.",
    )
    weights: tuple[float, ...] = Field(
        default=(),
        description="Where several searches are fused, the weight of each: vector, semantic_text, text. Default: equal.",
    )
    filter: str | None = Field(
        default=None,
        description='Only data objects that fulfil this, as JSON in the service\'s own syntax: {"genre": {"$eq": "Drama"}}.',
    )
    top_k: int = Field(default=10, ge=1, le=MOST_FOUND, description="Number of data objects to find.")
    data_fields: tuple[str, ...] = Field(default=("*",), description="The data fields to show; * shows all.")
    exact: bool = Field(default=False, description="Compare with every vector, also where there is an index.")
    target_recall: float | None = Field(
        default=None, gt=0, le=1, description="The recall that the index is asked for."
    )


@engine_flow(VERTEX_COLLECTIONS, "query", run_name="query {name} on {target}")
def query_collection(options: QueryCollectionOptions) -> Report:
    """Search a collection by a vector, by words, by meaning, or by several of them fused by reciprocal rank.

    Example:
        vector-search vertex-collections query --name films --text detective --text-fields plot --target sandbox
    """
    _refuse_unsuited(options)
    condition = parse_filter(options.filter) if options.filter else None
    settings, name = VERTEX_COLLECTIONS.settings(options.target), options.name
    with reporting("vertex-collections query", name, options.target, settings.where) as report:
        collection = read_collection(settings, name)
        search = Search(
            vector=_vector(settings, collection, options),
            text=options.text or "",
            text_fields=options.text_fields,
            meaning=options.semantic_text or "",
            weights=options.weights,
            top_k=options.top_k,
            filter=condition,
            data_fields=options.data_fields,
            exact=options.exact,
            target_recall=options.target_recall,
        )
        index = read_collection_index(settings, name)
        found = read_found(settings, collection, search, None if index is None else index.resource)
        score = _score(options, collection)
        report.results = [result(each.id, {score: each.distance}, each.data) for each in found]
        if not found:
            report.nothing = f"No data objects: {_why_nothing(options)}"
        report.facts |= {"found": [asdict(each) for each in found], "score": score}
    return report


def _vector(
    settings: VertexSettings, collection: CollectionState, options: QueryCollectionOptions
) -> tuple[float, ...]:
    if options.data:
        dense, _ = read_query_vectors(settings, options.data_source(options.data), options.row)
        if dense is None:
            raise InvalidInput(
                "This query has no dense vector, and a collection has no sparse field",
                value=options.row,
                source="row",
            )
        return tuple(dense.tolist())
    if options.data_object_id:
        return read_vector(settings, collection, options.data_object_id)
    return options.vector


def _refuse_unsuited(options: QueryCollectionOptions) -> None:
    vectors = [way for way in (options.vector, options.data_object_id, options.data) if way]
    if len(vectors) > 1:
        raise InvalidInput(
            "Give at most one of vector, data_object_id and data", source="vector, data_object_id, data"
        )
    if not vectors and not options.text and not options.semantic_text:
        raise InvalidInput(
            "There is nothing to search for",
            source="vector, data_object_id, data, text, semantic_text",
            accepted="one of them, or several, whose rankings are fused",
        )


def _score(options: QueryCollectionOptions, collection: CollectionState) -> str:
    ways = [options.vector or options.data_object_id or options.data, options.semantic_text, options.text]
    if sum(map(bool, ways)) > 1:
        return "fused rank"
    if options.text:
        return "text score"
    return "dot product" if collection.metric == "DOT_PRODUCT" else "cosine distance"


def _why_nothing(options: QueryCollectionOptions) -> str:
    if options.filter:
        return (
            "Maybe no data object fulfils the filter: data fields are named and typed as in the data schema."
        )
    if options.text and not (options.vector or options.data or options.data_object_id):
        return f"No data object has one of these words in {', '.join(options.text_fields)}."
    return "The collection holds no data object with a vector."
