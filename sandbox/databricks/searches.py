"""Queries: the nearest rows by the vector column, by words, or by both.

The score of the nearest is 1 / (1 + squared L2 distance). It is from memory of the documentation ("How to calculate similarity search"). Every row is compared; the real service
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

from sandbox.databricks import errors, filter_strings, filters, keywords
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.indexes import Indexes
from sandbox.databricks.managed import EmbeddedTexts
from sandbox.databricks.store import Store

MOST_RESULTS = 10_000
PAGE = 1000
"""Rows of one page (QueryVectorIndexResponse.next_page_token)."""
_MOST_HELD = 8
_MOST = {"ANN": MOST_RESULTS, "HYBRID": 200, "FULL_TEXT": 200}
"""Results of each kind of query; from memory of the page "Resource and data size limits"."""
_FUSED = 200
_LATER = (
    "facets",
    "sort_columns",
    "query_experiment_config",
)
_RERANKER = ("reranker", "columns_to_rerank")
"""The service's model is not public: any order that is given here would be invented."""


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
        embedded: embeds the texts of queries, where the service does.
    """

    def __init__(self, store: Store, indexes: Indexes, embedded: EmbeddedTexts) -> None:
        self._store, self._indexes, self._embedded = store, indexes, embedded
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
            fits = isinstance(asked, dict) and isinstance(start, int)
        except (ValueError, TypeError, binascii.Error, zlib.error):
            fits, asked, start = False, {}, 0
        if not fits:
            raise errors.INVALID.refusal(problem="Invalid page token")
        return self._page(Call(call.params, call.query, asked, call.user), asked, start)

    def _page(self, call: Call, asked: Body, start: int) -> Reply:
        index = self._indexes.serving(call)
        kind = self._indexes.endpoint_type(index)
        call.refuse(*_LATER)
        for name in _RERANKER:
            if call.body.get(name):
                raise errors.NOT_IMITATED.refusal(what=f"{name} (the reranker's model is the service's own)")
        columns = _columns(call.needed("columns"), index)
        threshold = _threshold(asked.get("score_threshold"))
        held = self._rows_of(index)
        found = [
            [*(held.rows[place][name] for name in columns), score]
            for place, score in self._ranked(held, call, index, _condition(call, index, kind))
            if score >= threshold
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

    def _rows_of(self, index: Body) -> _Held:
        (column,) = index["vectors"]
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

    def _ranked(
        self, held: _Held, call: Call, index: Body, condition: filters.Condition
    ) -> list[tuple[int, float]]:
        """The places of the rows that a query finds, the best first, with their scores."""
        kind = str(call.body.get("query_type") or "ANN").upper()
        if kind not in _MOST:
            raise errors.INVALID.refusal(problem=f"query_type is {kind!r}; supported: {', '.join(_MOST)}")
        number = call.number("num_results", 10, _MOST[kind])
        if kind == "ANN":
            call.refuse(
                *(("query_columns",) if self._embedded.is_managed(index) else ("query_text", "query_columns"))
            )
        allowed = np.array([condition(row) for row in held.rows], np.bool_)
        rankings: list[list[tuple[int, float]]] = []
        if kind != "FULL_TEXT":
            rankings.append(_nearest(held, self._vector(call, index), allowed))
        if kind != "ANN":
            rankings.append(_by_words(held, call, index, allowed))
        if len(rankings) == 1:
            return rankings[0][:number]
        return keywords.fused([[place for place, _ in each[:_FUSED]] for each in rankings])[:number]

    def _vector(self, call: Call, index: Body) -> NDArray[np.float64]:
        """What a query is near to: its vector, or that of its text where the service embeds."""
        if self._embedded.is_managed(index) and not call.body.get("query_vector"):
            return np.asarray(self._embedded.of_query(index, call.text("query_text")), np.float64)
        (dimension,) = index["vectors"].values()
        return _vector(call.needed("query_vector"), dimension)


def _nearest(held: _Held, vector: NDArray[np.float64], allowed: NDArray[np.bool_]) -> list[tuple[int, float]]:
    return _sorted(1 / (1 + ((held.vectors - vector) ** 2).sum(axis=1)), allowed)


def _condition(call: Call, index: Body, endpoint_type: str) -> filters.Condition:
    """What a filter asks, in the form that the kind of endpoint takes.

    Raises:
        Refusal: it is in the other form, or cannot be understood.
    """
    own, other = "filters_json", "filter_string"
    if endpoint_type == "STORAGE_OPTIMIZED":
        own, other = other, own
    if call.body.get(other):
        raise errors.INVALID.refusal(
            problem=f"{other} is not supported on a {endpoint_type} endpoint: use {own}"
        )
    parsed = filters.parsed if own == "filters_json" else filter_strings.parsed
    return parsed(call.body.get(own), index["columns"])


def _by_words(held: _Held, call: Call, index: Body, allowed: NDArray[np.bool_]) -> list[tuple[int, float]]:
    texts = [name for name, kind in index["columns"].items() if kind == "string"]
    chosen = call.body.get("query_columns") or texts
    for name in cast("list[Any]", chosen) if isinstance(chosen, list) else [chosen]:
        if name not in texts:
            raise errors.INVALID.refusal(problem=f"Query column {name!r} is not a text column of the index")
    words = [keywords.words_of(" ".join(str(row[name] or "") for name in chosen)) for row in held.rows]
    scores = keywords.bm25(words, keywords.words_of(call.text("query_text")))
    return _sorted(scores, allowed & (scores > 0))


def _sorted(scores: NDArray[np.float64], allowed: NDArray[np.bool_]) -> list[tuple[int, float]]:
    return [(int(at), float(scores[at])) for at in np.argsort(-scores, kind="stable") if allowed[at]]


def _threshold(given: Any) -> float:
    if given is None or (isinstance(given, int | float) and not isinstance(given, bool)):
        return float(given or 0)
    raise errors.INVALID.refusal(problem=f"score_threshold must be a number, not {given!r}")


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
