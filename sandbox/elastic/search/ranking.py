"""A search carried out: queries over every index that is meant, one order, and the pages of it.

Handlers are in search_api.py; what is kept between requests (scrolls, points in time) in search_contexts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.documents import sources
from sandbox.elastic.documents.sources import SourceFilter
from sandbox.elastic.documents.store import Row
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.settings import RESULT_WINDOW
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import sorting
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.searcher import Array, Searcher
from sandbox.elastic.wire.exchange import whole

if TYPE_CHECKING:
    from sandbox.elastic.cluster import Cluster

_KEYS = {"query", "size", "from", "sort", "_source", "track_total_hits", "search_after", "min_score", "pit"}
_KEYS |= {"version", "seq_no_primary_term", "track_scores", "timeout", "post_filter", "stats"}
_COUNTED = 10_000


@dataclass
class Wish:
    """What a search asks for."""

    query: Mapping[str, Any] | None
    size: int
    start: int
    clauses: list[sorting.Clause]
    source: SourceFilter
    counted: int | None
    """Up to how many hits are counted; None for no count, -1 for all."""
    search_after: Sequence[Any] | None = None
    min_score: float | None = None
    post_filter: Mapping[str, Any] | None = None
    version: bool = False
    seq_no: bool = False
    track_scores: bool = False


@dataclass
class Ranked:
    """All hits in their order; pages are read from it."""

    wish: Wish
    searchers: list[Searcher]
    which: Array
    """Of which searcher each matching document is."""
    documents: Array
    scores: Array
    columns: list[sorting.Column]
    order: Array
    found: int
    named: list[dict[str, Array]] = field(default_factory=list)


def wish(body: Mapping[str, Any]) -> Wish:
    """A search's body, read.

    Raises:
        Refusal: a key is unknown or a value impossible.
    """
    for key in body:
        if key not in _KEYS:
            raise search_errors.UNKNOWN_KEY.refusal(key=key, where="a search")
    size, start = whole("size", body.get("size", 10)), whole("from", body.get("from", 0))
    for name, value in (("size", size), ("from", start)):
        if value < 0:
            raise search_errors.NEGATIVE.refusal(name=name, value=value)
    after, clauses = body.get("search_after"), sorting.clauses(body.get("sort"))
    if after is not None:
        if start > 0:
            raise search_errors.SEARCH_AFTER_FROM.refusal()
        clauses = clauses or [sorting.Clause("_score", descending=True)] if body.get("sort") else clauses
        if not clauses:
            raise search_errors.SEARCH_AFTER_SORT.refusal()
        if not isinstance(after, list):
            raise search_errors.BAD_VALUE.refusal(where="search_after", parameter="values", value=after)
        if len(after) != len(clauses):
            raise search_errors.SEARCH_AFTER_VALUES.refusal(given=len(after), wanted=len(clauses))
    return Wish(
        body.get("query"),
        size,
        start,
        clauses,
        sources.of_body(body.get("_source")),
        _counted(body.get("track_total_hits", _COUNTED)),
        after,
        None if body.get("min_score") is None else number("search", "min_score", body["min_score"]),
        body.get("post_filter"),
        bool(body.get("version")),
        bool(body.get("seq_no_primary_term")),
        bool(body.get("track_scores")),
    )


def ranked(
    cluster: Cluster, searchers: list[Searcher], asked: Wish, warnings: list[str], scroll: bool
) -> Ranked:
    """All the hits.

    Raises:
        Refusal: as search_phase_execution_exception where only the index could tell.
    """
    inferred: dict[tuple[str, str], dict[str, float]] = {}
    parts: list[tuple[Searcher, Array, Array]] = []
    named = []
    node = cluster.nodes[0].id
    for searcher in searchers:
        context = Context(cluster, searcher, warnings, inferred=inferred)
        try:
            _check_window(searcher, asked, scroll)
            documents, scores = _matching(context, asked)
        except Refusal as refusal:
            raise _wrapped(refusal, searcher, node) from refusal
        parts.append((searcher, documents, scores))
        named.append(context.named)
    if not parts:
        none = np.empty(0, np.int64)
        return Ranked(asked, [], none, none, np.empty(0, np.float32), [], none, 0)
    try:
        columns = [sorting.column(clause, parts) for clause in asked.clauses]
    except Refusal as refusal:
        raise _wrapped(refusal, searchers[0], node) from refusal
    sizes = [len(documents) for _, documents, _ in parts]
    scores = np.concatenate([scores for _, _, scores in parts])
    order = sorting.order(columns, scores)
    if asked.search_after is not None:
        order = order[sorting.after(columns, asked.search_after)[order]]
    return Ranked(
        asked,
        searchers,
        np.repeat(np.arange(len(parts)), sizes),
        np.concatenate([documents for _, documents, _ in parts]),
        scores,
        columns,
        order,
        sum(sizes),
        named,
    )


def page(cluster: Cluster, hits: Ranked, start: int, size: int) -> dict[str, Any]:
    """The `hits` of a reply."""
    asked, chosen = hits.wish, hits.order[start : start + size]
    by_score = [place for place, clause in enumerate(asked.clauses) if clause.path == "_score"]
    scored = not asked.clauses or asked.track_scores or bool(by_score)
    best = not asked.clauses or asked.track_scores
    found = _hits(cluster, hits, chosen.tolist(), scored)
    result: dict[str, Any] = {}
    if asked.counted is not None:
        limited = asked.counted >= 0 and hits.found > asked.counted
        result["total"] = {
            "value": asked.counted if limited else hits.found,
            "relation": "gte" if limited else "eq",
        }
    top = shown(hits.scores.max()) if best and len(hits.scores) and size else None
    return {**result, "max_score": top, "hits": found}


def shards(searchers: Sequence[Searcher]) -> dict[str, int]:
    """The `_shards` of a read."""
    return {"total": len(searchers), "successful": len(searchers), "skipped": 0, "failed": 0}


def _hits(cluster: Cluster, hits: Ranked, places: list[int], scored: bool) -> list[dict[str, Any]]:
    """The documents at these places; those of an index that was deleted meanwhile are left out."""
    rows: dict[tuple[int, int], Row] = {}
    wanted: dict[int, list[int]] = {}
    for place in places:
        number = int(hits.which[place])
        wanted.setdefault(number, []).append(_sequence_number(hits, place))
    for number, sequence_numbers in wanted.items():
        for row in cluster.documents.rows(hits.searchers[number].index, sequence_numbers):
            rows[number, row.seq_no] = row
    found = ((place, rows.get((int(hits.which[place]), _sequence_number(hits, place)))) for place in places)
    return [_hit(hits, place, row, scored) for place, row in found if row]


def _sequence_number(hits: Ranked, place: int) -> int:
    return int(hits.searchers[hits.which[place]].sequence_numbers[hits.documents[place]])


def _hit(hits: Ranked, place: int, row: Row, scored: bool) -> dict[str, Any]:
    asked = hits.wish
    searcher, document = hits.searchers[hits.which[place]], hits.documents[place]
    hit: dict[str, Any] = {"_index": searcher.index.name, "_id": row.id}
    if asked.version:
        hit["_version"] = row.version
    if asked.seq_no:
        hit |= {"_seq_no": row.seq_no, "_primary_term": 1}
    hit["_score"] = shown(hits.scores[place]) if scored else None
    if asked.source.shown:
        hit["_source"] = asked.source.apply(row.document(), searcher.index)
    matched = [name for name, mask in hits.named[hits.which[place]].items() if mask[document]]
    if matched:
        hit["matched_queries"] = matched
    if hits.columns:
        hit["sort"] = [column.values[place] for column in hits.columns]
    return hit


def _matching(context: Context, asked: Wish) -> tuple[Array, Array]:
    found = evaluate(context, asked.query if asked.query is not None else {"match_all": {}})
    mask = found.mask
    if asked.min_score is not None:
        mask = mask & (found.scores >= np.float32(asked.min_score))
    if asked.post_filter is not None:
        mask = mask & evaluate(context, asked.post_filter).mask
    documents = np.flatnonzero(mask)
    return documents, found.scores[documents]


def _check_window(searcher: Searcher, asked: Wish, scroll: bool) -> None:
    limit = int(searcher.index.settings.get("max_result_window", RESULT_WINDOW))
    wanted = asked.size if scroll else asked.start + asked.size
    if wanted > limit:
        raise search_errors.WINDOW.refusal(limit=limit, wanted=wanted)


def _wrapped(refusal: Refusal, searcher: Searcher, node: str) -> Refusal:
    """Errors that shards report come wrapped; errors of parsing and of inference come as they are."""
    kinds = (search_errors.QUERY_SHARD.kind, errors.ILLEGAL_ARGUMENT.kind)
    if refusal.kind in kinds and refusal.status == 400:
        return search_errors.failed_on_shards(refusal, searcher.index.name, node)
    return refusal


def _counted(value: Any) -> int | None:
    if isinstance(value, bool):
        return -1 if value else None
    return whole("track_total_hits", value)
