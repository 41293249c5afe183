"""Searches carried out: queries over every index, ranked together, and pages of the result.

What is kept between requests (scrolls, points in time) is in search_contexts.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.settings import RESULT_WINDOW
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import retrievers, sorting
from sandbox.elastic.search.matches import Context, Matches, QueryContexts
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.search_request import SearchRequest
from sandbox.elastic.search.searcher import Array, Searcher


@dataclass
class Ranked:
    """All hits of a search, ranked."""

    request: SearchRequest
    searchers: list[Searcher]
    which: Array
    """For each hit, the number of its searcher."""
    documents: Array
    scores: Array
    columns: list[sorting.Column]
    order: Array
    found: int
    named: list[dict[str, Array]] = field(default_factory=list)
    terminated_early: bool = False
    """Whether `terminate_after` left out documents of an index."""


class Ranking:
    """Ranks the matches of queries and reads pages of them."""

    def __init__(self, contexts: QueryContexts, documents: DocumentStore, node: str) -> None:
        self._contexts = contexts
        self._documents = documents
        self._node = node

    def rank(
        self, searchers: list[Searcher], asked: SearchRequest, warnings: list[str], scroll: bool
    ) -> Ranked:
        """All hits of a search, ranked.

        Raises:
            Refusal: as search_phase_execution_exception if a shard would report it.
        """
        parts: list[tuple[Searcher, Array, Array]] = []
        early = False
        contexts = self._contexts.of(searchers, warnings)
        current = searchers[0] if searchers else None
        try:
            for context in contexts:
                current, context.size = context.searcher, asked.size
                _check_window(context.searcher, asked, scroll)
            current = searchers[0] if searchers else None
            retrieved = retrievers.retrieved(contexts, asked.query, asked.knn, asked.retriever)
            for context, matches in zip(contexts, retrieved, strict=True):
                current = context.searcher
                documents, scores = _filtered(context, matches, asked)
                if 0 < asked.terminate_after < len(documents):
                    documents, scores = documents[: asked.terminate_after], scores[: asked.terminate_after]
                    early = True
                parts.append((context.searcher, documents, scores))
        except Refusal as refusal:
            raise (_wrapped(refusal, current, self._node) if current else refusal) from refusal
        named = [context.named for context in contexts]
        node = self._node
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
            early,
        )

    def page(self, hits: Ranked, start: int, size: int) -> dict[str, Any]:
        """The `hits` of a reply."""
        asked, chosen = hits.request, hits.order[start : start + size]
        by_score = [place for place, clause in enumerate(asked.clauses) if clause.path == "_score"]
        scored = not asked.clauses or asked.track_scores or bool(by_score)
        best = not asked.clauses or asked.track_scores
        found = self._hits(hits, chosen.tolist(), scored)
        result: dict[str, Any] = {}
        if asked.counted is not None:
            limited = asked.counted >= 0 and hits.found > asked.counted
            result["total"] = {
                "value": asked.counted if limited else hits.found,
                "relation": "gte" if limited else "eq",
            }
        top = shown(hits.scores.max()) if best and len(hits.scores) and size else None
        return {**result, "max_score": top, "hits": found}

    def _hits(self, hits: Ranked, places: list[int], scored: bool) -> list[dict[str, Any]]:
        """The documents at these places, except those of an index deleted meanwhile."""
        rows: dict[tuple[int, int], Row] = {}
        wanted: dict[int, list[int]] = {}
        for place in places:
            number = int(hits.which[place])
            wanted.setdefault(number, []).append(_sequence_number(hits, place))
        for number, sequence_numbers in wanted.items():
            for row in self._documents.rows(hits.searchers[number].index, sequence_numbers):
                rows[number, row.seq_no] = row
        found = (
            (place, rows.get((int(hits.which[place]), _sequence_number(hits, place)))) for place in places
        )
        return [_hit(hits, place, row, scored) for place, row in found if row]


def shards(searchers: Sequence[Searcher]) -> dict[str, int]:
    """The `_shards` of a reply."""
    return {"total": len(searchers), "successful": len(searchers), "skipped": 0, "failed": 0}


def _sequence_number(hits: Ranked, place: int) -> int:
    return int(hits.searchers[hits.which[place]].sequence_numbers[hits.documents[place]])


def _hit(hits: Ranked, place: int, row: Row, scored: bool) -> dict[str, Any]:
    asked = hits.request
    searcher, document = hits.searchers[hits.which[place]], hits.documents[place]
    hit: dict[str, Any] = {"_index": searcher.index.name, "_id": row.id}
    if asked.version:
        hit["_version"] = row.version
    if asked.seq_no:
        hit |= {"_seq_no": row.seq_no, "_primary_term": 1}
    hit["_score"] = shown(hits.scores[place]) if scored else None
    if asked.source.shown:
        hit["_source"] = asked.source.of_text(row.source, searcher.index)
    matched = [name for name, mask in hits.named[hits.which[place]].items() if mask[document]]
    if matched:
        hit["matched_queries"] = matched
    if hits.columns:
        hit["sort"] = [column.values[place] for column in hits.columns]
    return hit


def _filtered(context: Context, found: Matches, asked: SearchRequest) -> tuple[Array, Array]:
    """The documents that are hits, and their scores."""
    mask = found.mask
    if asked.min_score is not None:
        mask = mask & (found.scores >= np.float32(asked.min_score))
    if asked.post_filter is not None:
        mask = mask & evaluate(context, asked.post_filter).mask
    documents = np.flatnonzero(mask)
    return documents, found.scores[documents]


def _check_window(searcher: Searcher, asked: SearchRequest, scroll: bool) -> None:
    limit = int(searcher.index.settings.get("max_result_window", RESULT_WINDOW))
    wanted = asked.size if scroll else asked.start + asked.size
    if wanted > limit:
        raise search_errors.WINDOW.refusal(limit=limit, wanted=wanted)


def _wrapped(refusal: Refusal, searcher: Searcher, node: str) -> Refusal:
    """Errors that shards report are wrapped; errors of parsing and inference are not."""
    kinds = (search_errors.QUERY_SHARD.kind, errors.ILLEGAL_ARGUMENT.kind)
    if refusal.kind in kinds and refusal.status == 400:
        return search_errors.failed_on_shards(refusal, searcher.index.name, node)
    return refusal
