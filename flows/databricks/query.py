"""`databricks query`: query an index by a vector, by words, or by both, with filters. Changes nothing."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, BuiltIndexOptions, DataOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.results import result
from tasks.databricks.data import read_query_vector
from tasks.databricks.filters import parse_filters
from tasks.databricks.indexes import IndexState, read_index
from tasks.databricks.searches import MOST_FOUND, Query, QueryType, read_found, read_vector
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import InvalidInput


class QueryIndexOptions(BuiltIndexOptions, DataOptions, frozen=True):
    """The options of `databricks query`."""

    vector: tuple[float, ...] = Field(default=(), description="The query vector.")
    datapoint_id: str | None = Field(
        default=None, description="Query with the vector of this stored row, by its id."
    )
    data: str | None = Field(default=None, description=f"Query with one of the queries of this file: {DATA}")
    row: int = Field(default=0, ge=0, description="The row of the query, counted from 0.")
    text: str | None = Field(
        default=None,
        min_length=1,
        description="Search by these words; with a vector too, both rankings are fused.",
    )
    text_columns: tuple[str, ...] = Field(
        default=(), description="The columns to look for words in. Default: all text columns."
    )
    query_type: QueryType | None = Field(
        default=None,
        description="How an index that embeds by itself is searched by a text: ANN (meaning, the default), FULL_TEXT (words) or HYBRID (both).",
    )
    filters: str | None = Field(
        default=None,
        description='Only rows that fulfil this. On a STANDARD endpoint JSON: {"year >=": 1990, "genre": ["Drama", "Crime"]}; on a '
        "STORAGE_OPTIMIZED one a condition like SQL's: year >= 1990 AND genre IN ('Drama', 'Crime').",
    )
    num_results: int = Field(default=10, ge=1, le=MOST_FOUND, description="Number of rows to find.")
    columns: tuple[str, ...] | None = Field(
        default=None, description="The columns to show. Default: all but the vector."
    )
    score_threshold: float = Field(
        default=0.0, ge=0, le=1, description="Only rows with at least this score, 1 / (1 + squared distance)."
    )
    rerank_columns: tuple[str, ...] = Field(
        default=(),
        description="Let the service's reranker order the best 50 rows anew by the texts of these columns. The sandbox refuses it: the "
        "model is the service's own.",
    )


@engine_flow(DATABRICKS, "query", run_name="query {name} on {target}")
def query_index(options: QueryIndexOptions) -> Report:
    """Query an index by a vector, by words, or by both fused by reciprocal rank, with filters.

    Of a name with several versions, the served one is queried.

    Example:
        vector-search databricks query --name products --datapoint-id 17 --target sandbox
    """
    given = [way for way in (options.vector, options.datapoint_id, options.data) if way]
    if len(given) > 1:
        raise InvalidInput(
            "Give at most one of vector, datapoint_id and data", source="vector, datapoint_id, data"
        )
    if not given and not options.text:
        raise InvalidInput(
            "There is nothing to search for",
            source="vector, datapoint_id, data, text",
            accepted="one of them, or words and one of the others, whose rankings are fused",
        )
    filters = parse_filters(options.filters) if options.filters else None
    settings, name = DATABRICKS.settings(options.target), options.name
    with reporting("databricks query", name, options.target, settings.where) as report:
        index = read_index(settings, name)
        query = Query(
            vector=_vector(settings, index, options),
            text=options.text or "",
            text_columns=options.text_columns,
            how=options.query_type or ("ANN" if index.is_managed and options.text else None),
            num_results=options.num_results,
            filters=filters,
            columns=index.data_columns if options.columns is None else options.columns,
            score_threshold=options.score_threshold,
            rerank=options.rerank_columns,
        )
        found = read_found(settings, index, query)
        score = {"ANN": "score", "HYBRID": "fused rank", "FULL_TEXT": "text score"}[query.kind]
        report.results = [result(each.id, {score: each.score}, each.data) for each in found]
        if not found:
            report.nothing = f"No rows: {_why_nothing(options)}"
        report.facts |= {"found": [asdict(each) for each in found], "score": score}
    return report


def _vector(settings: DatabricksSettings, index: IndexState, options: QueryIndexOptions) -> tuple[float, ...]:
    if options.data:
        return read_query_vector(options.row_source(options.data), options.row)
    if options.datapoint_id:
        return read_vector(settings, index, options.datapoint_id)
    return options.vector


def _why_nothing(options: QueryIndexOptions) -> str:
    if options.filters or options.score_threshold:
        return "No row fulfils the filters and the threshold."
    if options.query_type == "ANN":
        return "The index holds no rows."
    if options.text and not (options.vector or options.datapoint_id or options.data):
        return "No row has one of these words."
    return "The index holds no rows."
