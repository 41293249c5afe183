"""The search APIs: search, count, scroll, points in time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents import sources
from sandbox.elastic.indices.api import resolved, table
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.ranking import Ranked, page, ranked, shards, wish
from sandbox.elastic.search.search_contexts import SearchContexts
from sandbox.elastic.search.searcher import Searcher
from sandbox.elastic.wire.exchange import Reply, Request, duration
from sandbox.elastic.wire.routing import Route

_IN_QUERY = ("size", "from", "sort", "track_total_hits", "version", "seq_no_primary_term", "track_scores")


@dataclass
class _Scroll:
    hits: Ranked
    position: int


def attach(cluster: Cluster) -> None:
    """Nothing is open yet."""
    cluster.scrolls = SearchContexts[_Scroll](cluster)
    cluster.points_in_time = SearchContexts[list[Searcher]](cluster)


def search(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /{index}/_search`."""
    return searched(cluster, request, request.json())


def searched(cluster: Cluster, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """A search whose body is known; a template's rendered one is carried out here too."""
    started = time.monotonic()
    if "q" in request.query:
        raise search_errors.NOT_SUPPORTED.refusal(query="query_string", parameter="q")
    asked = wish({**body, **_from_query(request)})
    filter_ = sources.of_query(request)
    if filter_:
        asked.source = filter_
    reply: dict[str, Any] = {}
    point, scroll = body.get("pit"), request.query.get("scroll")
    if point is not None:
        if not isinstance(point, dict) or not isinstance(point.get("id"), str):
            raise search_errors.REQUIRED.refusal(query="pit", what="an [id]")
        keep = duration("keep_alive", point["keep_alive"]) if "keep_alive" in point else None
        searchers = cluster.points_in_time.get(point["id"], keep)
        reply["pit_id"] = point["id"]
    else:
        searchers = [cluster.searchers.pinned(index) for index in resolved(cluster, request)]
    kept = point is not None
    try:
        hits = ranked(cluster, searchers, asked, request.warnings, scroll is not None)
        if scroll is not None:
            state = _Scroll(hits, asked.size)
            reply["_scroll_id"] = cluster.scrolls.open(state, searchers, duration("scroll", scroll))
            kept = True
        shown = page(cluster, hits, asked.start, asked.size)
    finally:
        for searcher in () if kept else searchers:
            cluster.searchers.unpin(searcher.index)
    if request.flag("rest_total_hits_as_int") and "total" in shown:
        shown["total"] = shown["total"]["value"]
    took = int((time.monotonic() - started) * 1000)
    return {**reply, "took": took, "timed_out": False, "_shards": shards(searchers), "hits": shown}


def scroll_on(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /_search/scroll`."""
    started, body = time.monotonic(), request.json()
    id_ = body.get("scroll_id") or request.params.get("scroll_id") or request.text("scroll_id")
    keep = body.get("scroll") or request.query.get("scroll")
    state = cluster.scrolls.get(id_, duration("scroll", keep) if keep else None)
    size = state.hits.wish.size
    start, state.position = state.position, state.position + size
    shown = page(cluster, state.hits, start, size)
    took = int((time.monotonic() - started) * 1000)
    reply = {"_scroll_id": id_, "took": took, "timed_out": False, "_shards": shards(state.hits.searchers)}
    return {**reply, "hits": shown}


def clear_scroll(cluster: Cluster, request: Request) -> Reply:
    """`DELETE /_search/scroll`."""
    given = request.json().get("scroll_id") or request.params.get("scroll_id") or []
    ids = given.split(",") if isinstance(given, str) else given
    freed = sum(cluster.scrolls.close(id_) for id_ in (cluster.scrolls.ids() if ids == ["_all"] else ids))
    return Reply({"succeeded": True, "num_freed": freed}, 200 if freed or not ids else 404)


def open_point_in_time(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /{index}/_pit`."""
    searchers = [cluster.searchers.pinned(index) for index in resolved(cluster, request)]
    id_ = cluster.points_in_time.open(searchers, searchers, request.seconds("keep_alive", 60.0))
    return {"id": id_, "_shards": shards(searchers)}


def close_point_in_time(cluster: Cluster, request: Request) -> Reply:
    """`DELETE /_pit`."""
    freed = cluster.points_in_time.close(request.json().get("id", ""))
    return Reply({"succeeded": True, "num_freed": int(freed)}, 200 if freed else 404)


def count(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /{index}/_count`."""
    body = request.json()
    for key in body:
        if key != "query":
            raise search_errors.COUNT_BODY.refusal(key=key)
    query = body.get("query", {"match_all": {}})
    searchers = [cluster.searchers.current(index) for index in resolved(cluster, request)]
    inferred: dict[tuple[str, str], dict[str, float]] = {}
    contexts = [Context(cluster, searcher, request.warnings, inferred=inferred) for searcher in searchers]
    found = sum(int(evaluate(context, query).mask.sum()) for context in contexts)
    return {"count": found, "_shards": shards(searchers)}


def cat_count(cluster: Cluster, request: Request) -> Reply:
    """`GET /_cat/count/{index}`; client 9 sends a POST."""
    found = sum(cluster.searchers.counts(index)[0] for index in resolved(cluster, request))
    now = time.time()
    clock = time.strftime("%H:%M:%S", time.gmtime(now))
    return table(request, [{"epoch": str(int(now)), "timestamp": clock, "count": str(found)}])


def _from_query(request: Request) -> dict[str, Any]:
    """What a search takes in its address too."""
    found: dict[str, Any] = {}
    for name in _IN_QUERY:
        if name not in request.query:
            continue
        value = request.query[name]
        if name in ("size", "from"):
            found[name] = request.number(name, 0)
        elif name == "sort":
            found[name] = value.split(",")
        elif value in ("true", "false", ""):
            found[name] = value != "false"
        else:
            found[name] = request.number(name, 0)
    return found


ROUTES = (
    Route("search", "POST GET", "/_search", search),
    Route("search", "POST GET", "/{index}/_search", search),
    Route("scroll", "POST GET", "/_search/scroll", scroll_on),
    Route("scroll", "POST GET", "/_search/scroll/{scroll_id}", scroll_on),
    Route("clear_scroll", "DELETE", "/_search/scroll", clear_scroll),
    Route("clear_scroll", "DELETE", "/_search/scroll/{scroll_id}", clear_scroll),
    Route("open_point_in_time", "POST", "/{index}/_pit", open_point_in_time),
    Route("close_point_in_time", "DELETE", "/_pit", close_point_in_time),
    Route("count", "POST GET", "/_count", count),
    Route("count", "POST GET", "/{index}/_count", count),
    Route("cat.count", "GET POST", "/_cat/count", cat_count),
    Route("cat.count", "GET POST", "/_cat/count/{index}", cat_count),
)
