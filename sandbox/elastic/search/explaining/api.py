"""`_explain`: whether one document matches a query, and how its score came about."""

from __future__ import annotations

from typing import Any

import numpy as np

from sandbox.elastic.documents import sources
from sandbox.elastic.documents.store import DocumentStore
from sandbox.elastic.indices.alias_filters import narrowed
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.explaining.trees import explained
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.search.strings import queries as string_queries
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route


class ExplainApi:
    """Explanations of single documents."""

    def __init__(
        self, indices: Indices, searchers: Searchers, contexts: QueryContexts, documents: DocumentStore
    ) -> None:
        self._indices = indices
        self._searchers = searchers
        self._contexts = contexts
        self._documents = documents

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (Route("explain", "GET POST", "/{index}/_explain/{id}", self.explain),)

    def explain(self, request: Request) -> Reply:
        """`GET /{index}/_explain/{id}`: of a document as searches see it."""
        query = string_queries.of_request(request) or request.fields("explain", "query").get("query")
        if query is None:
            raise search_errors.EXPLAIN_NO_QUERY.refusal()
        name = request.params["index"]
        searcher = self._searchers.current(self._indices.single(name))
        (context,) = self._contexts.of([searcher], request.warnings)
        written = self._documents.sequence_numbers(searcher.index, request.params["id"])
        places = np.flatnonzero(np.isin(searcher.sequence_numbers, written) & searcher.alive)
        shown: dict[str, Any] = {"_index": searcher.index.name, "_id": request.params["id"], "matched": False}
        if not len(places):
            return Reply(shown, 404)
        document = int(places[0])
        found = explained(context, narrowed(query, self._indices.filter_of(name)), document)
        shown["matched"] = found is not None
        shown["explanation"] = found or {"value": 0.0, "description": "no matching clause", "details": []}
        wanted = sources.of_query(request)
        if wanted is not None and wanted.shown:
            (row,) = self._documents.rows(searcher.index, [int(searcher.sequence_numbers[document])])
            source = wanted.apply(row.document(), searcher.index)
            own = {"_seq_no": row.seq_no, "_primary_term": 1, "found": True, "_source": source}
            shown["get"] = own
        return Reply(shown)
