"""Queries: the nearest rows by the vector column, under the service's score, 1 / (1 + squared L2 distance).

The score is from memory of the documentation ("How to calculate similarity search"). Every row is compared; the real service
searches an HNSW graph.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from sandbox.databricks import errors, filters
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.indexes import Indexes
from sandbox.databricks.store import Store

MOST_RESULTS = 10_000
PAGE = 1000
"""Rows of one page (QueryVectorIndexResponse.next_page_token)."""
_MOST_HELD = 8
_LATER = (
    "facets", "sort_columns", "reranker", "columns_to_rerank", "query_columns", "filter_string", "query_text",
    "query_experiment_config",
)  # fmt: skip


@dataclass(frozen=True)
class _Held:
    """The rows of an index in memory."""

    as_of: int
    rows: list[Body]
    vectors: NDArray[np.float64]


class Searches:
    """Answers queries.

    Args:
        store: where the rows are.
        indexes: whose they are.
    """

    def __init__(self, store: Store, indexes: Indexes) -> None:
        self._store, self._indexes = store, indexes
        self._held: dict[str, _Held] = {}
        self._lock = Lock()
        self.handlers = {
            "vector_search_indexes.query_index": self._query,
            "vector_search_indexes.query_next_page": self._next_page,
        }

    def _query(self, call: Call) -> Reply:
        return self._page(call, call.body, 0)

    def _next_page(self, call: Call) -> Reply:
        try:
            asked, start = orjson.loads(zlib.decompress(base64.urlsafe_b64decode(call.text("page_token"))))
        except (ValueError, binascii.Error, zlib.error):
            raise errors.INVALID.refusal(problem="Invalid page token") from None
        return self._page(Call(call.params, call.query, asked, call.user), asked, start)

    def _page(self, call: Call, asked: Body, start: int) -> Reply:
        index = self._indexes.serving(call)
        call.refuse(*_LATER)
        if str(asked.get("query_type") or "ANN").upper() != "ANN":
            raise errors.NOT_IMITATED.refusal(what=f"query_type {asked['query_type']}")
        columns = _columns(call.needed("columns"), index)
        number = call.number("num_results", 10, MOST_RESULTS)
        (column, dimension), *_ = index["vectors"].items()
        vector = _vector(call.needed("query_vector"), dimension)
        condition = filters.parsed(asked.get("filters_json"), index["columns"])
        threshold = float(asked.get("score_threshold") or 0)

        held = self._rows_of(index, column)
        scores = 1 / (1 + ((held.vectors - vector) ** 2).sum(axis=1))
        best = [int(at) for at in np.argsort(-scores, kind="stable") if condition(held.rows[at])][:number]
        found = [
            [*(held.rows[at][name] for name in columns), float(scores[at])]
            for at in best
            if scores[at] >= threshold
        ]
        page = found[start : start + PAGE]
        more = start + PAGE < len(found)
        token = zlib.compress(orjson.dumps([asked, start + PAGE])) if more else b""
        kinds = {**{name: index["columns"][name] for name in columns}, "score": "double"}
        return Reply(
            {
                "manifest": {
                    "column_count": len(columns) + 1,
                    "columns": [{"name": name, "type_text": kind} for name, kind in kinds.items()],
                },
                "result": {"row_count": len(page), "data_array": page},
                "next_page_token": base64.urlsafe_b64encode(token).decode(),
            }
        )

    def _rows_of(self, index: Body, column: str) -> _Held:
        with self._lock:
            as_of, held = self._store.settle(index["id"]), self._held.pop(index["id"], None)
            if held is None or held.as_of != as_of:
                rows = self._store.rows(index["id"])
                vectors = np.array([row[column] for row in rows], np.float64)
                held = _Held(as_of, rows, vectors.reshape(len(rows), index["vectors"][column]))
            self._held[index["id"]] = held
            for longest_unused in list(self._held)[:-_MOST_HELD]:
                del self._held[longest_unused]
            return held


def _columns(given: Any, index: Body) -> list[str]:
    for name in cast("list[Any]", given) if isinstance(given, list) else [given]:
        if name not in index["columns"]:
            raise errors.INVALID.refusal(problem=f"Column {name!r} is not a column of the index")
    return given


def _vector(given: Any, dimension: int) -> NDArray[np.float64]:
    try:
        found = np.array(given, np.float64)
    except (TypeError, ValueError):
        raise errors.INVALID.refusal(problem="query_vector must be a list of numbers") from None
    if found.shape != (dimension,) or not np.isfinite(found).all():
        raise errors.INVALID.refusal(
            problem=f"query_vector has the shape {list(found.shape)}, and the index has dimension {dimension}"
        )
    return found
