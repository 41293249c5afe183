"""Delete by query: deletes matching documents, unless they changed meanwhile."""

from __future__ import annotations

from sandbox.elastic import errors
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.jobs import ENDINGS, KEEP, Job, Jobs
from sandbox.elastic.reindex.parameters import (
    check_fields,
    limit_of,
    proceeds,
    rate_of,
    shards,
    slice_of,
    slices_of,
)
from sandbox.elastic.search import queries
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.scans import Hit, Scans
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.search.strings import queries as string_queries
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

ACTION = "indices:data/write/delete/byquery"


class DeleteByQueryApi:
    """Delete by query."""

    def __init__(
        self, indices: Indices, searchers: Searchers, scans: Scans, contexts: QueryContexts, jobs: Jobs
    ) -> None:
        self._indices = indices
        self._searchers = searchers
        self._scans = scans
        self._contexts = contexts
        self._jobs = jobs

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        template, handler = "/{index}/_delete_by_query", self.delete_by_query
        return (Route("delete_by_query", "POST", template, handler, changes=True, at_end=ENDINGS),)

    def delete_by_query(self, request: Request) -> Reply:
        """`POST /{index}/_delete_by_query`."""
        body, expression = request.json(), request.params["index"]
        check_fields("delete_by_query", body, {"query", "slice", "max_docs", "conflicts"})
        query = string_queries.of_request(request) or body.get("query")
        if query is None:
            raise errors.VALIDATION.refusal(problems="1: query is missing;")
        queries.check(self._contexts, query)
        manual, refresh = slice_of(body.get("slice")), request.flag("refresh")
        size = request.number("scroll_size", 1000)
        if size < 1:
            raise reindex_errors.INVALID.refusal(problem=f"[size] cannot be [{size}] in a scroll context")

        def prepare(found: Hit) -> Operation:
            # With the sequence number that was read: a document that has changed since is a conflict.
            return Operation("delete", found.index, found.id, if_seq_no=found.seq_no, if_primary_term=1)

        def finish() -> None:
            for index in self._indices.resolve(expression) if refresh else ():
                self._searchers.refresh(index)

        def check() -> None:
            self._indices.resolve(expression)

        job = Job(
            api="delete_by_query",
            action=ACTION,
            description=f"delete-by-query [{', '.join(expression.split(','))}]",
            size=size,
            limit=limit_of(body.get("max_docs"), request.query.get("max_docs")),
            proceed=proceeds(body.get("conflicts", request.query.get("conflicts"))),
            rate=rate_of(request),
            slices=slices_of(request, lambda: shards(self._indices, expression), manual is not None),
            search=lambda slice_: self._scans.open(expression, query, slice_),
            prepare=prepare,
            check=check,
            finish=finish,
            keep=request.seconds("scroll", KEEP),
            manual=manual,
            hidden=("created", "updated"),
        )
        return self._jobs.launch(request, job)
