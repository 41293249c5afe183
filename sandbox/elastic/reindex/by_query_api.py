"""Update by query and delete by query: matching documents are rewritten or deleted, unless they changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sandbox.elastic import errors
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

_SHARED = {"query", "slice", "max_docs", "conflicts"}


class _Kind(NamedTuple):
    """What the two differ in."""

    api: str
    noun: str
    """In the description of a task."""
    hidden: tuple[str, ...]
    """Counts of a reindex that its answer does not have."""

    @property
    def action(self) -> str:
        """Of its task."""
        return f"indices:data/write/{self.api.partition('_')[0]}/byquery"


UPDATE = _Kind("update_by_query", "update-by-query", ("created",))
DELETE = _Kind("delete_by_query", "delete-by-query", ("created", "updated"))


class ByQueryApi:
    """Update by query and delete by query.

    A write has the sequence number that was read: a document that has changed since is a conflict.
    """

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
        handlers = {UPDATE.api: self.update_by_query, DELETE.api: self.delete_by_query}
        return tuple(
            Route(api, "POST", f"/{{index}}/_{api}", handler, changes=True, at_end=ENDINGS)
            for api, handler in handlers.items()
        )

    def update_by_query(self, request: Request) -> Reply:
        """`POST /{index}/_update_by_query`."""
        body = request.json()
        check_fields(UPDATE.api, body, _SHARED | {"size", "script"})
        if body.get("script"):
            raise documents_errors.NO_SCRIPTS.refusal()
        size = whole("size", body.get("size", request.number("scroll_size", 1000)))
        query = string_queries.of_request(request) or body.get("query")
        pipeline = request.query.get("pipeline")

        def prepare(found: Hit) -> Operation:
            # Embeddings of semantic_text are no part of what is read, so they are computed again.
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

        return self._launch(request, body, UPDATE, query, size, prepare)

    def delete_by_query(self, request: Request) -> Reply:
        """`POST /{index}/_delete_by_query`."""
        body = request.json()
        check_fields(DELETE.api, body, _SHARED)
        query = string_queries.of_request(request) or body.get("query")
        if query is None:
            raise errors.VALIDATION.refusal(problems="1: query is missing;")
        size = request.number("scroll_size", 1000)

        def prepare(found: Hit) -> Operation:
            return Operation("delete", found.index, found.id, if_seq_no=found.seq_no, if_primary_term=1)

        return self._launch(request, body, DELETE, query, size, prepare)

    def _launch(
        self,
        request: Request,
        body: Mapping[str, Any],
        kind: _Kind,
        query: Any,
        size: int,
        prepare: Callable[[Hit], Operation],
    ) -> Reply:
        expression = request.params["index"]
        queries.check(self._contexts, query)
        manual, refresh = slice_of(body.get("slice")), request.flag("refresh")
        if size < 1:
            raise reindex_errors.INVALID.refusal(problem=f"[size] cannot be [{size}] in a scroll context")

        def finish() -> None:
            for index in self._indices.resolve(expression) if refresh else ():
                self._searchers.refresh(index)

        def check() -> None:
            self._indices.resolve(expression)

        job = Job(
            api=kind.api,
            action=kind.action,
            description=f"{kind.noun} [{', '.join(expression.split(','))}]",
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
            hidden=kind.hidden,
        )
        return self._jobs.launch(request, job)
