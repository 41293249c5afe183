"""The search APIs: search, count, scroll, points in time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.documents import sources
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.alias_filters import narrowed, narrowed_search
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Matches, QueryContexts
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.ranking import Ranked, Ranking, shards
from sandbox.elastic.search.search_contexts import SearchContexts
from sandbox.elastic.search.search_request import SearchRequest
from sandbox.elastic.search.searcher import Searcher
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.search.strings import queries as string_queries
from sandbox.elastic.wire.cat import table
from sandbox.elastic.wire.exchange import Reply, Request, duration
from sandbox.elastic.wire.parameters.rules import unrecognized
from sandbox.elastic.wire.routing import Route

_NUMBERS = ("size", "from", "terminate_after")
_LISTS = ("sort", "stored_fields", "docvalue_fields")
_IN_QUERY = (
    *_NUMBERS,
    *_LISTS,
    "track_total_hits",
    "version",
    "seq_no_primary_term",
    "track_scores",
    "explain",
)


@dataclass
class _Scroll:
    hits: Ranked
    position: int


class SearchApi:
    """Searches, counts, scrolls and points in time."""

    def __init__(
        self, indices: Indices, searchers: Searchers, contexts: QueryContexts, ranking: Ranking
    ) -> None:
        self._indices = indices
        self._searchers = searchers
        self._contexts = contexts
        self._ranking = ranking
        self._scrolls = SearchContexts[_Scroll](searchers)
        self._points_in_time = SearchContexts[list[Searcher]](searchers)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("search", "POST GET", "/_search", self.search),
            Route("search", "POST GET", "/{index}/_search", self.search),
            Route("scroll", "POST GET", "/_search/scroll", self.scroll_on),
            Route("scroll", "POST GET", "/_search/scroll/{scroll_id}", self.scroll_on),
            Route("clear_scroll", "DELETE", "/_search/scroll", self.clear_scroll),
            Route("clear_scroll", "DELETE", "/_search/scroll/{scroll_id}", self.clear_scroll),
            Route("open_point_in_time", "POST", "/{index}/_pit", self.open_point_in_time),
            Route("close_point_in_time", "DELETE", "/_pit", self.close_point_in_time),
            Route("count", "POST GET", "/_count", self.count),
            Route("count", "POST GET", "/{index}/_count", self.count),
            Route("cat.count", "GET POST", "/_cat/count", self.cat_count),
            Route("cat.count", "GET POST", "/_cat/count/{index}", self.cat_count),
        )

    def search(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_search`."""
        return self.searched(request, request.json())

    def searched(self, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search with a given body, which may be a rendered template."""
        started = time.monotonic()
        typed = string_queries.of_request(request)
        given = {**body, **_from_query(request), **({"query": typed} if typed else {})}
        filter_of_alias = (
            None if "pit" in body else self._indices.filter_of(request.params.get("index", "_all"))
        )
        asked = SearchRequest.read(narrowed_search(given, filter_of_alias), self._contexts.release)
        _refuse_in_scroll(asked, request)
        as_number = request.flag("rest_total_hits_as_int")
        if as_number:
            asked.count_exactly("track_total_hits" in body or "track_total_hits" in request.query)
        filter_ = sources.of_query(request)
        if filter_:
            asked.source = replace(
                filter_, inference_fields=filter_.inference_fields or asked.fields.inference_fields
            )
        reply: dict[str, Any] = {}
        point, scroll = body.get("pit"), request.query.get("scroll")
        if point is not None:
            if not isinstance(point, dict) or not isinstance(point.get("id"), str):
                raise search_errors.REQUIRED.refusal(query="pit", what="an [id]")
            keep = duration("keep_alive", point["keep_alive"]) if "keep_alive" in point else None
            searchers = self._points_in_time.get(point["id"], keep)
            reply["pit_id"] = point["id"]
        else:
            searchers = [self._searchers.pinned(index) for index in self._indices.named_by(request, "read")]
        kept = point is not None
        try:
            hits = self._ranking.rank(searchers, asked, request.warnings, scroll is not None)
            if scroll is not None:
                state = _Scroll(hits, asked.size)
                reply["_scroll_id"] = self._scrolls.open(state, searchers, duration("scroll", scroll))
                kept = True
            shown = self._ranking.page(hits, asked.start, asked.size)
        finally:
            for searcher in () if kept else searchers:
                self._searchers.unpin(searcher.index)
        for searcher in searchers:
            self._searchers.searched(searcher.index, time.monotonic() - started)
        if as_number:
            shown = _with_number(shown)
        reply |= {"took": int((time.monotonic() - started) * 1000), "timed_out": False}
        if asked.terminate_after:
            reply["terminated_early"] = hits.terminated_early
        aggregated = {} if hits.aggregated is None else {"aggregations": hits.aggregated}
        return {**reply, "_shards": shards(searchers), "hits": shown, **aggregated}

    def scroll_on(self, request: Request) -> dict[str, Any]:
        """`POST /_search/scroll`."""
        started, body = time.monotonic(), request.fields("scroll", "scroll", "scroll_id")
        id_ = body.get("scroll_id") or request.params.get("scroll_id") or request.text("scroll_id")
        keep = body.get("scroll") or request.query.get("scroll")
        state = self._scrolls.get(id_, duration("scroll", keep) if keep else None)
        size = state.hits.request.size
        start, state.position = state.position, state.position + size
        shown = self._ranking.page(state.hits, start, size)
        if request.flag("rest_total_hits_as_int"):
            shown = _with_number(shown)
        took = int((time.monotonic() - started) * 1000)
        reply = {"_scroll_id": id_, "took": took, "timed_out": False, "_shards": shards(state.hits.searchers)}
        return {**reply, "hits": shown}

    def clear_scroll(self, request: Request) -> Reply:
        """`DELETE /_search/scroll`."""
        given = (
            request.fields("clear_scroll", "scroll_id").get("scroll_id")
            or request.params.get("scroll_id")
            or []
        )
        ids = given.split(",") if isinstance(given, str) else given
        all_ = ids == ["_all"]
        freed = sum(self._scrolls.close(id_) for id_ in (self._scrolls.ids() if all_ else ids))
        return Reply({"succeeded": True, "num_freed": freed}, 200 if freed or all_ or not ids else 404)

    def open_point_in_time(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_pit`."""
        if request.fields("open_point_in_time", "index_filter").get("index_filter"):
            raise search_errors.NOT_SUPPORTED.refusal(query="point in time", parameter="index_filter")
        self._refuse_filter(request, "open_point_in_time")
        searchers = [self._searchers.pinned(index) for index in self._indices.named_by(request, "read")]
        id_ = self._points_in_time.open(searchers, searchers, request.seconds("keep_alive", 60.0))
        return {"id": id_, "_shards": shards(searchers)}

    def close_point_in_time(self, request: Request) -> Reply:
        """`DELETE /_pit`."""
        freed = self._points_in_time.close(request.fields("close_point_in_time", "id").get("id", ""))
        return Reply({"succeeded": True, "num_freed": int(freed)}, 200 if freed else 404)

    def count(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_count`."""
        body = request.json()
        for key in body:
            if key != "query":
                raise search_errors.COUNT_BODY.refusal(key=key)
        query = body.get("query", {"match_all": {}})
        if not request.body.strip():
            query = string_queries.of_request(request) or query
        elif "q" in request.query:
            raise unrecognized(request.path, ["q"], ())
        searchers = [self._searchers.current(index) for index in self._indices.named_by(request, "read")]
        contexts = self._contexts.of(searchers, request.warnings)
        query = narrowed(query, self._indices.filter_of(request.params.get("index", "_all")))
        least, most = request.query.get("min_score"), request.number("terminate_after", 0)
        found = [_counted(evaluate(context, query), least) for context in contexts]
        # As in the service, the limit is that of each shard.
        early = {"terminated_early": any(each > most for each in found)} if most else {}
        total = sum(min(each, most) if most else each for each in found)
        return {"count": total, **early, "_shards": shards(searchers)}

    def cat_count(self, request: Request) -> Reply:
        """`GET /_cat/count/{index}`; client 9 sends a POST."""
        self._refuse_filter(request, "cat.count")
        found = sum(self._searchers.counts(index)[0] for index in self._indices.named_by(request, "read"))
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.gmtime(now))
        return table(request, [{"epoch": str(int(now)), "timestamp": clock, "count": str(found)}])

    def _refuse_filter(self, request: Request, api: str) -> None:
        if self._indices.filter_of(request.params.get("index", "_all")) is not None:
            raise indices_errors.NO_FILTER_HERE.refusal(api=api)


def _counted(found: Matches, least: str | None) -> int:
    mask = found.mask
    if least is not None:
        mask = mask & (found.scores >= np.float32(number("count", "min_score", least)))
    return int(mask.sum())


def _refuse_in_scroll(asked: SearchRequest, request: Request) -> None:
    if asked.collapse is not None and "scroll" in request.query:
        raise errors.VALIDATION.refusal(problems="1: cannot use `collapse` in a scroll context;")


def _with_number(shown: dict[str, Any]) -> dict[str, Any]:
    """Hits whose total is a number, as it was before version 7; -1 if hits are not counted."""
    return {**shown, "total": shown["total"]["value"] if "total" in shown else -1}


def _from_query(request: Request) -> dict[str, Any]:
    """The parts of a search that may stand in the query string."""
    found: dict[str, Any] = {}
    for name in _IN_QUERY:
        if name not in request.query:
            continue
        value = request.query[name]
        if name in _NUMBERS:
            found[name] = request.number(name, 0)
        elif name in _LISTS:
            found[name] = value.split(",")
        elif value in ("true", "false", ""):
            found[name] = value != "false"
        else:
            found[name] = request.number(name, 0)
    return found
