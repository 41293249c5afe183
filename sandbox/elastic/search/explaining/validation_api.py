"""`_validate/query`: whether a query can be carried out, and why not (`TransportValidateQueryAction.java`).

A query that the service accepts and the sandbox does not imitate is refused, not called invalid.
"""

from __future__ import annotations

from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.alias_filters import narrowed
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.explaining.lucene_queries import written_out
from sandbox.elastic.search.matches import Context, QueryContexts
from sandbox.elastic.search.queries import check, evaluate
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.search.strings import queries as string_queries
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_CLASSES = {
    search_errors.UNKNOWN_QUERY.kind: "org.elasticsearch.common.ParsingException: ",
    search_errors.QUERY_SHARD.kind: "org.elasticsearch.index.query.QueryShardException: ",
}
"""What stands before the text of an error: the class of the service's exception, if it is one of these."""


class ValidationApi:
    """Validates queries."""

    def __init__(self, indices: Indices, searchers: Searchers, contexts: QueryContexts) -> None:
        self._indices = indices
        self._searchers = searchers
        self._contexts = contexts

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.validate_query", "GET POST", "/_validate/query", self.validate),
            Route("indices.validate_query", "GET POST", "/{index}/_validate/query", self.validate),
        )

    def validate(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_validate/query`."""
        is_explained, shows_shards = request.flag("explain"), request.flag("all_shards")
        searchers = [self._searchers.current(index) for index in self._indices.named_by(request, "read")]
        try:
            query = _read(request)
            check(self._contexts, query)
        except Refusal as refusal:
            _pass_on(refusal)
            return {"valid": False, **({"error": _described(refusal)} if is_explained else {})}
        query = narrowed(query, self._indices.filter_of(request.params.get("index", "_all")))
        results = [
            _of_index(context, query, is_explained)
            for context in self._contexts.of(searchers, request.warnings)
        ]
        count = {"total": len(results), "successful": len(results), "failed": 0}
        shown: dict[str, Any] = {"_shards": count, "valid": all(each["valid"] for each in results)}
        if is_explained or shows_shards:
            place = {"shard": 0} if shows_shards else {}
            shown["explanations"] = [{"index": each["index"], **place, **each} for each in results]
        return shown


def _read(request: Request) -> dict[str, Any]:
    """The query of the body, or of `q`; everything by default.

    Raises:
        Refusal: the body has something else.
    """
    body = request.json()
    for key in body:
        if key != "query":
            raise search_errors.COUNT_BODY.refusal(key=key)
    return body.get("query") or string_queries.of_request(request) or {"match_all": {}}


def _of_index(context: Context, query: dict[str, Any], is_explained: bool) -> dict[str, Any]:
    index = context.searcher.index
    try:
        evaluate(context, query)
    except Refusal as refusal:
        _pass_on(refusal)
        error = f"[{index.name}/{index.uuid}] {_described(refusal)}"
        return {"index": index.name, "valid": False, "error": error}
    text = {"explanation": written_out(index, query)} if is_explained else {}
    return {"index": index.name, "valid": True, **text}


def _pass_on(refusal: Refusal) -> None:
    """Raise what says nothing about the query: it is ours, or of a model or an index."""
    if refusal.status != 400 or refusal.is_of_the_sandbox:
        raise refusal


def _described(refusal: Refusal) -> str:
    """The error of an invalid query; causes follow after semicolons."""
    text = f"{_CLASSES.get(refusal.kind, '')}{refusal.reason}"
    return f"{text}; {_described(refusal.cause)}" if refusal.cause else text
