"""Queries of an index, and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.databricks.clients import connect
from tasks.databricks.errors import calling
from tasks.databricks.indexes import IndexState
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact
from tasks.steps import step

QueryType = Literal["ANN", "HYBRID", "FULL_TEXT"]
MOST_BY_WORDS = 200
"""Of a query by words or by both; from memory of the page "Resource and data size limits"."""
MOST_FOUND = 10_000
"""Of one query (QueryVectorIndexResponse.next_page_token)."""


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
    filters: dict[str, Any] | None = None
    """In the service's own form: `{"year >=": 1990, "genre": ["Drama", "Crime"]}`."""
    columns: tuple[str, ...] = ()
    """What answers hold beside the id."""
    score_threshold: float = 0.0

    @property
    def kind(self) -> QueryType:
        """How the service calls it."""
        return ("HYBRID" if self.vector else "FULL_TEXT") if self.text else "ANN"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One row that a query found."""

    id: str
    score: float
    """Of a vector, 1 / (1 + squared L2 distance); else of words, or of the fused rankings."""
    data: dict[str, Any] = field(default_factory=dict[str, Any])


def parse_filters(text: str) -> dict[str, Any]:
    """A filter in the service's own form, from its JSON.

    Raises:
        InvalidInput: it is no JSON object, or holds a number that cannot be kept.
    """
    accepted = 'a JSON object such as {"year >=": 1990, "genre": ["Drama", "Crime"]}'
    try:
        given = exact(text.encode())
        json.dumps(given)
    except (NotExact, UnicodeError, TypeError) as error:
        raise InvalidInput(
            f"These filters cannot be read ({error})", value=text, source="filters", accepted=accepted
        ) from error
    if not isinstance(given, dict):
        raise InvalidInput(
            "These filters are no JSON object", value=text, source="filters", accepted=accepted
        )
    return given  # pyright: ignore[reportUnknownVariableType]


@step("query index {index.name}")
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
    indexes, doing = connect(settings).indexes, f"query index {index.name}"
    columns = [KEY, *query.columns]
    with calling(doing):
        page = indexes.query_index(
            index.full_name,
            columns,
            query_type=query.kind,
            query_vector=list(query.vector) or None,
            query_text=query.text or None,
            query_columns=list(query.text_columns) or None,
            num_results=query.num_results,
            filters_json=json.dumps(query.filters) if query.filters else None,
            score_threshold=query.score_threshold or None,
        )
    rows: list[list[Any]] = [*(page.result.data_array or () if page.result else ())]
    while page.next_page_token:
        with calling(doing):
            page = indexes.query_next_page(
                index.full_name, endpoint_name=index.endpoint, page_token=page.next_page_token
            )
        rows += page.result.data_array or () if page.result else ()
    return tuple(_found(columns, row) for row in rows)


@step("count the rows of index {index.name}")
def read_count(settings: DatabricksSettings, index: IndexState) -> int:
    """How many rows are indexed. It may lag behind writes."""
    with calling(f"count the rows of index {index.name}"):
        found = connect(settings).index(index.full_name)
    return int((found.get("status") or {}).get("indexed_row_count") or 0)


@step("read row {id_} of index {index.name}")
def read_vector(settings: DatabricksSettings, index: IndexState, id_: str) -> tuple[float, ...]:
    """The vector of a stored row.

    Raises:
        InvalidInput: there is no such row.
    """
    query = Query(
        vector=(0.0,) * index.dimensions, num_results=1, filters={KEY: id_}, columns=(index.vector_column,)
    )
    for found in find(settings, index, query):
        vector: Sequence[float] = found.data[index.vector_column]
        return tuple(map(float, vector))
    raise InvalidInput("There is no such row", value=id_, source=f"datapoint_id, in index {index.full_name}")


def read_present(settings: DatabricksSettings, index: IndexState, ids: Sequence[str]) -> set[str]:
    """Which of these ids an index holds."""
    present, vector = set[str](), (0.0,) * index.dimensions
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = list(ids[start : start + _IDS_AT_ONCE])
        query = Query(vector=vector, num_results=len(part), filters={KEY: part})
        present.update(found.id for found in find(settings, index, query))
    return present


_IDS_AT_ONCE = 1000
"""As many results as one page has; a filter takes 1,024 clauses (from memory)."""


def _refuse_unfit(index: IndexState, query: Query) -> None:
    if query.text and query.num_results > MOST_BY_WORDS:
        raise InvalidInput(
            "A query by words finds fewer rows", value=query.num_results, source="num_results", accepted=f"1 to {MOST_BY_WORDS}"
        )  # fmt: skip
    if (query.vector or not query.text) and len(query.vector) != index.dimensions:
        raise InvalidInput(
            "The vector has another number of dimensions than the index",
            value=len(query.vector),
            source="vector",
            accepted=str(index.dimensions),
        )
    for column in (*query.columns, *query.text_columns):
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
