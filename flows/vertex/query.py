"""`vertex query`: nearest neighbors by dense and sparse vectors, with filters and crowding."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.results import result
from flows.vertex.engine import VERTEX
from flows.vertex.options import DATA, BuiltIndexOptions, DataOptions
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.filters import (
    KINDS,
    NumericFilter,
    namespaces_without_kind,
    parse_numeric_filters,
    parse_restricts,
)
from tasks.vertex.datapoints.sparse import parse_sparse_vector
from tasks.vertex.datapoints.vectors import parsed
from tasks.vertex.imports.import_data import read_query_vectors
from tasks.vertex.queries.namespaces import read_namespaces
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import read_neighbors
from tasks.vertex.resources.served import ServedIndex, read_served_index
from tasks.vertex.settings import VertexSettings


class QueryOptions(BuiltIndexOptions, DataOptions, frozen=True):
    """The options of `vertex query`."""

    vector: tuple[float, ...] = Field(default=(), description="The dense query vector.")
    sparse_vector: str | None = Field(
        default=None,
        description="The sparse query vector, beside or instead of a dense one: dimension:value, such as 3:0.1,70:-0.2, or JSON: "
        '{"values": [0.1, -0.2], "dimensions": [3, 70]}.',
    )
    alpha: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of the dense ranking in a hybrid query, which has both vectors: 1 counts the dense one alone, 0 the "
        "sparse one.",
    )
    datapoint_id: str | None = Field(
        default=None, description="Query with the vectors of this stored datapoint."
    )
    data: str | None = Field(
        default=None,
        description=f"Query with one of the queries of this file: {DATA}",
    )
    row: int = Field(default=0, ge=0, description="The row of the query, counted from 0.")
    neighbor_count: int = Field(default=10, ge=1, description="Number of neighbors; up to 300 stays fast.")
    restricts: tuple[str, ...] = Field(
        default=(), description="Token filters, each class=1,2 to allow or class!=3 to deny."
    )
    numeric_restricts: tuple[str, ...] = Field(
        default=(),
        description="Number filters, each price>=10 as the index has them, or price>=10i (int64), price<0.5f (float32), "
        "price<0.5d (float64).",
    )
    per_crowding_attribute_neighbor_count: int | None = Field(
        default=None, ge=1, description="Maximum number of neighbors with the same crowding tag."
    )
    approximate_neighbor_count: int | None = Field(
        default=None,
        ge=1,
        description="Candidates of the approximate search; about ten times neighbor_count is usual.",
    )
    fraction_leaf_nodes_to_search_override: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Fraction of the leaves to search, instead of the index's own setting.",
    )


@engine_flow(VERTEX, "query", run_name="query {name} on {target}")
def query_index(options: QueryOptions) -> Report:
    """Find the nearest neighbors of a vector, of a stored datapoint, or of a query row in a data file.

    The vector is dense, sparse, or both: a hybrid query, whose two rankings are merged with the weight alpha. Of a query row with
    both, the sparse one is used if alpha is given.

    Example:
        vector-search vertex query --name products --datapoint-id 17 --restricts class=17,42 --target sandbox
    """
    dense = [way for way in (options.vector, options.datapoint_id, options.data) if way]
    if len(dense) > 1 or (not dense and not options.sparse_vector):
        raise InvalidInput(
            "Give exactly one of the first three, or the last alone",
            source="vector, datapoint_id, data, sparse_vector",
        )
    sparse = parse_sparse_vector(options.sparse_vector) if options.sparse_vector else None
    settings = VERTEX.settings(options.target)
    with reporting("vertex query", options.name, options.target, settings.where) as report:
        served = read_served_index(settings, options.name)
        if options.data:
            source = options.data_source(options.data)
            vector, of_row = read_query_vectors(settings, source, options.row)
            if (
                vector is None or options.alpha is not None
            ):  # of both, the dense one alone unless they are to be weighed
                sparse = sparse or of_row
        else:
            vector = options.vector or None
        asked = {
            **options.shared_with(Query),
            "vector": vector,
            "sparse_vector": sparse,
            "restricts": parse_restricts(options.restricts),
            "numeric_restricts": (),
        }
        query = parsed(Query, asked, what="query")
        if options.numeric_restricts:
            filters = _numeric_filters(settings, served, query, options.numeric_restricts, report)
            query = query.model_copy(update={"numeric_restricts": filters})
        answers = read_neighbors(settings, served, [query])
        (neighbors,) = answers.neighbors
        tags = any(neighbor.crowding for neighbor in neighbors)
        report.results = [
            result(
                one.id,
                one.scores(query, served.distance_measure),
                {"crowding tag": one.crowding} if tags else {},
            )
            for one in neighbors
        ]
        if not neighbors:
            why = " ".join(read_namespaces(settings, served, query).reasons(query))
            report.nothing = f"No neighbors: {why}"
        report.facts |= {
            "neighbors": [each._asdict() for each in neighbors],
            "measure": served.distance_measure,
        }
    return report


def _numeric_filters(
    settings: VertexSettings, served: ServedIndex, query: Query, texts: Sequence[str], report: Report
) -> tuple[NumericFilter, ...]:
    """The filters, each number of the kind that the index has in its namespace if the text does not say the kind."""
    filters = parse_numeric_filters(texts)  # what cannot be read is refused before anything is asked
    without_kind = namespaces_without_kind(texts)
    if not without_kind:
        return filters
    kinds = read_namespaces(settings, served, query).kinds
    filters = parse_numeric_filters(texts, kinds)
    with report.step("kinds of the filters") as step:
        for number in filters:
            if number.namespace in without_kind:
                why = (
                    "as the index has" if number.namespace in kinds else "not seen near the query, so assumed"
                )
                step.saw(f"{number.namespace}: {KINDS[number.field]}, {why}")
    return filters
