"""Queries of an index, and counts.

A query goes out as a body of our own: the SDK's method has no parameter for `filter_string`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.databricks.clients import connect
from tasks.databricks.endpoints import read_endpoint_type
from tasks.databricks.errors import calling
from tasks.databricks.filters import Filters, keys_filter, refuse_other_form
from tasks.databricks.indexes import IndexState
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.errors import InvalidInput
from tasks.steps import step

QueryType = Literal["ANN", "HYBRID", "FULL_TEXT"]
MOST_BY_WORDS = 200
"""Of a query by words or by both; from memory of the page "Resource and data size limits"."""
MOST_FOUND = 10_000
"""Of one query (QueryVectorIndexResponse.next_page_token)."""
RERANKER = "databricks_reranker"
"""The one model that the service has for it (RerankerConfig of databricks-sdk)."""
MOST_RERANKED = 50
"""Rows that the reranker looks at (VectorSearchIndexesAPI.query_index of databricks-sdk)."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked."""

    vector: tuple[float, ...] = ()
    """Nearest by the vector column."""
    text: str = ""
    """By words; with a vector too, both rankings are fused by the service."""
    text_columns: tuple[str, ...] = ()
    """The columns to look for words in; empty: all text columns."""
    num_results: int = 10
    filters: Filters | None = None
    """In the form that the index's endpoint takes."""
    columns: tuple[str, ...] = ()
    """What answers hold beside the id."""
    score_threshold: float = 0.0
    how: QueryType | None = None
    """How an index that embeds by itself is searched by a text; None: as what is given says."""
    rerank: tuple[str, ...] = ()
    """Text columns by which the service's reranker orders the best rows anew; empty: it is not used."""

    @property
    def kind(self) -> QueryType:
        """How the service calls it."""
        return self.how or self.by_what_is_given

    @property
    def by_what_is_given(self) -> QueryType:
        """How an index with vectors of its own is searched."""
        return ("HYBRID" if self.vector else "FULL_TEXT") if self.text else "ANN"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One row that a query found."""

    id: str
    score: float
    """Of a vector, 1 / (1 + squared L2 distance); else of words, or of the fused rankings."""
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@step("query index {index.shown}")
def read_found(settings: DatabricksSettings, index: IndexState, query: Query) -> tuple[Found, ...]:
    """The rows that a query finds, the best first.

    Raises:
        InvalidInput: the query does not fit the index.
        ServiceRefused: the service does not understand the filters.
    """
    return find(settings, index, query)


def find(settings: DatabricksSettings, index: IndexState, query: Query) -> tuple[Found, ...]:
    """As `read_found`, without a step of its own."""
    _refuse_unfit(index, query)
    if query.filters:
        kind = read_endpoint_type(settings, index.endpoint, index.endpoint_id)
        refuse_other_form(query.filters, index.endpoint, kind, index.columns)
    clients, doing = connect(settings), f"query index {index.shown}"
    indexes, columns = clients.indexes, [KEY, *query.columns]
    with calling(doing):
        page = clients.query(index.full_name, _body(query, columns))
    rows: list[list[Any]] = [*(page.result.data_array or () if page.result else ())]
    while page.next_page_token:
        with calling(doing):
            page = indexes.query_next_page(
                index.full_name, endpoint_name=index.endpoint, page_token=page.next_page_token
            )
        rows += page.result.data_array or () if page.result else ()
    return tuple(_found(columns, row) for row in rows)


@step("count the rows of index {index.shown}")
def read_count(settings: DatabricksSettings, index: IndexState) -> int:
    """How many rows are indexed. It may lag behind writes."""
    with calling(f"count the rows of index {index.shown}"):
        found = connect(settings).index(index.full_name)
    return int((found.get("status") or {}).get("indexed_row_count") or 0)


@step("read row {id_} of index {index.shown}")
def read_vector(settings: DatabricksSettings, index: IndexState, id_: str) -> tuple[float, ...]:
    """The vector of a stored row.

    Raises:
        InvalidInput: there is no such row.
    """
    if index.is_managed:
        raise InvalidInput(
            "The vectors of this index are the service's own", value=id_, source="datapoint_id", accepted="a text to search by"
        )  # fmt: skip
    kind = read_endpoint_type(settings, index.endpoint, index.endpoint_id)
    query = Query(
        vector=(0.0,) * index.dimensions,
        num_results=1,
        filters=keys_filter(KEY, [id_], kind),
        columns=(index.vector_column,),
    )
    for found in find(settings, index, query):
        vector: Sequence[float] = found.data[index.vector_column]
        return tuple(map(float, vector))
    raise InvalidInput("There is no such row", value=id_, source=f"datapoint_id, in index {index.full_name}")


@step("look ids up in index {index.name}")
def read_present(settings: DatabricksSettings, index: IndexState, ids: Sequence[str]) -> set[str]:
    """Which of these ids an index holds."""
    return {found.id for found in find_rows(settings, index, ids)}


def find_rows(
    settings: DatabricksSettings, index: IndexState, ids: Sequence[str], columns: tuple[str, ...] = ()
) -> Iterator[Found]:
    """The rows of these ids that an index holds, with some of their columns."""
    vector = (0.0,) * index.dimensions
    kind = read_endpoint_type(settings, index.endpoint, index.endpoint_id)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = list(ids[start : start + _IDS_AT_ONCE])
        filters = keys_filter(KEY, part, kind)
        query = Query(vector=vector, num_results=len(part), filters=filters, columns=columns)
        yield from find(settings, index, query)


_IDS_AT_ONCE = 1000
"""As many results as one page has; a filter takes 1,024 clauses (from memory)."""


def _body(query: Query, columns: Sequence[str]) -> dict[str, Any]:
    """A query as the service takes it."""
    reranker = {"model": RERANKER, "parameters": {"columns_to_rerank": query.rerank}}
    is_text = isinstance(query.filters, str)
    body = {
        "columns": columns,
        "query_type": query.kind,
        "query_vector": query.vector,
        "query_text": query.text,
        "query_columns": query.text_columns,
        "num_results": query.num_results,
        "filter_string": query.filters if is_text else "",
        "filters_json": json.dumps(query.filters) if query.filters and not is_text else "",
        "score_threshold": query.score_threshold,
        "reranker": reranker if query.rerank else None,
    }
    return {name: value for name, value in body.items() if value}


def _refuse_unfit(index: IndexState, query: Query) -> None:
    if query.kind != "ANN" and query.num_results > MOST_BY_WORDS:
        raise InvalidInput(
            "A query by words finds fewer rows", value=query.num_results, source="num_results", accepted=f"1 to {MOST_BY_WORDS}"
        )  # fmt: skip
    if index.is_managed and (query.vector or not query.text):
        raise InvalidInput(
            "The service embeds the rows and the queries of this index", value="a vector" if query.vector else "no text", source="vector, text",
            accepted=f"a text, which the endpoint {index.embed_with} embeds",
        )  # fmt: skip
    if query.how not in (None, query.by_what_is_given) and not index.is_managed:
        raise InvalidInput(
            "This index does not embed a query's text: a vector makes it ANN, a text FULL_TEXT, both HYBRID", value=query.how,
            source="query_type", accepted=query.by_what_is_given,
        )  # fmt: skip
    if not index.is_managed and (query.vector or not query.text) and len(query.vector) != index.dimensions:
        raise InvalidInput(
            "The vector has another number of dimensions than the index",
            value=len(query.vector),
            source="vector",
            accepted=str(index.dimensions),
        )
    if query.rerank and (not query.text or query.num_results > MOST_RERANKED):
        raise InvalidInput(
            "The reranker reorders a limited number of rows, by how well they answer a text",
            value=query.num_results if query.text else "no text", source="num_results" if query.text else "text",
            accepted=f"words to search by, and 1 to {MOST_RERANKED} results",
        )  # fmt: skip
    for column in (*query.columns, *query.text_columns, *query.rerank):
        if column not in index.columns:
            raise InvalidInput(
                "The index has no such column",
                value=column,
                source="columns",
                accepted=", ".join(index.columns),
            )


def _found(columns: Sequence[str], row: Sequence[Any]) -> Found:
    """A row of an answer: the asked columns in their order, and the score after them."""
    values = dict(zip(columns, row, strict=False))
    id_ = str(values.pop(KEY))
    return Found(id=id_, score=float(row[-1]), data=values)
