"""Update by query: matching documents are written again, through a pipeline if asked, unless they changed meanwhile."""

from __future__ import annotations

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.api import shards
from sandbox.elastic.reindex.jobs import (
    KEEP,
    Job,
    check_fields,
    launch,
    limit_of,
    proceeds,
    rate_of,
    slice_of,
    slices_of,
)
from sandbox.elastic.search import queries
from sandbox.elastic.search.searchers import Found
from sandbox.elastic.wire.exchange import Reply, Request, whole
from sandbox.elastic.wire.routing import Route

_BODY = {"query", "slice", "size", "max_docs", "conflicts", "script"}
ACTION = "indices:data/write/update/byquery"


def update_by_query(cluster: Cluster, request: Request) -> Reply:
    """`POST /{index}/_update_by_query`."""
    body, expression = request.json(), request.params["index"]
    check_fields("update_by_query", body, _BODY)
    if body.get("script"):
        raise documents_errors.NO_SCRIPTS.refusal()
    queries.check(cluster, body.get("query"))
    manual, refresh = slice_of(body.get("slice")), request.flag("refresh")
    size = whole("size", body.get("size", request.number("scroll_size", 1000)))
    if size < 1:
        raise reindex_errors.INVALID.refusal(problem=f"[size] cannot be [{size}] in a scroll context")
    pipeline = request.query.get("pipeline")

    def prepare(found: Found) -> Operation:
        # The sequence number of what was read: a document that changed since is a conflict.
        return Operation(
            "index",
            found.index,
            found.id,
            found.source,
            pipeline,
            if_seq_no=found.seq_no,
            if_primary_term=1,
        )

    def finish() -> None:
        if refresh:
            for index in cluster.indices.resolve(expression):
                cluster.searchers.refresh(index)

    def check() -> None:
        cluster.indices.resolve(expression)

    job = Job(
        ACTION,
        f"update-by-query [{', '.join(expression.split(','))}]",
        size,
        limit_of(body.get("max_docs", request.query.get("max_docs"))),
        proceeds(body.get("conflicts", request.query.get("conflicts"))),
        rate_of(request),
        slices_of(request, lambda: shards(cluster, expression), manual is not None),
        lambda slice_: cluster.searchers.scan(expression, body.get("query"), slice_),
        prepare,
        check,
        finish,
        request.seconds("scroll", KEEP),
        manual,
        hidden=("created",),
    )
    return launch(cluster, request, job)


ROUTES = (Route("update_by_query", "POST", "/{index}/_update_by_query", update_by_query, changes=True),)
