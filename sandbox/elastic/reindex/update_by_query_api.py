"""Update by query: rewrites matching documents, optionally through a pipeline, unless they changed meanwhile."""

from __future__ import annotations

from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
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
from sandbox.elastic.wire.exchange import Reply, Request, whole
from sandbox.elastic.wire.routing import Route

_BODY = {"query", "slice", "size", "max_docs", "conflicts", "script"}
ACTION = "indices:data/write/update/byquery"


class UpdateByQueryApi:
    """Update by query."""

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
        return (
            Route(
                "update_by_query",
                "POST",
                "/{index}/_update_by_query",
                self.update_by_query,
                changes=True,
                at_end=ENDINGS,
            ),
        )

    def update_by_query(self, request: Request) -> Reply:
        """`POST /{index}/_update_by_query`."""
        body, expression = request.json(), request.params["index"]
        check_fields("update_by_query", body, _BODY)
        if body.get("script"):
            raise documents_errors.NO_SCRIPTS.refusal()
        query = string_queries.of_request(request) or body.get("query")
        queries.check(self._contexts, query)
        manual, refresh = slice_of(body.get("slice")), request.flag("refresh")
        size = whole("size", body.get("size", request.number("scroll_size", 1000)))
        if size < 1:
            raise reindex_errors.INVALID.refusal(problem=f"[size] cannot be [{size}] in a scroll context")
        pipeline = request.query.get("pipeline")

        def prepare(found: Hit) -> Operation:
            # With the sequence number that was read: a document that has changed since is a conflict. Embeddings of
            # semantic_text are no part of what is read, so they are computed again.
            source = {name: value for name, value in found.source.items() if name != INFERENCE_FIELDS}
            return Operation(
                "index",
                found.index,
                found.id,
                source,
                found.text,
                pipeline,
                if_seq_no=found.seq_no,
                if_primary_term=1,
            )

        def finish() -> None:
            if refresh:
                for index in self._indices.resolve(expression):
                    self._searchers.refresh(index)

        def check() -> None:
            self._indices.resolve(expression)

        job = Job(
            api="update_by_query",
            action=ACTION,
            description=f"update-by-query [{', '.join(expression.split(','))}]",
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
            hidden=("created",),
        )
        return self._jobs.launch(request, job)
