"""Searches carried out: queries over every index, ranked together and aggregated.

What is kept between requests (scrolls, points in time) is in search_contexts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.documents.store import DocumentStore
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.settings import RESULT_WINDOW
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import pages, retrievers, sorting
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations import tree
from sandbox.elastic.search.aggregations.selection import Selection
from sandbox.elastic.search.matches import Context, Matches, QueryContexts
from sandbox.elastic.search.queries import check, evaluate
from sandbox.elastic.search.ranked import Ranked
from sandbox.elastic.search.search_request import SearchRequest
from sandbox.elastic.search.searcher import Array, Searcher


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
        _refuse_unreadable(self._contexts, asked.query)
        contexts = self._contexts.of(searchers, warnings)
        current = searchers[0] if searchers else None
        matched: list[Array] = []
        kept: list[Array] = []
        early = False
        try:
            for context in contexts:
                current, context.size = context.searcher, asked.size
                _check_window(context.searcher, asked, scroll)
            current = searchers[0] if searchers else None
            retrieved = retrievers.retrieved(contexts, asked.query, asked.knn, asked.retriever)
            for context, matches in zip(contexts, retrieved, strict=True):
                current = context.searcher
                documents = _matched(matches, asked)
                if 0 < asked.terminate_after < len(documents):
                    documents, early = documents[: asked.terminate_after], True
                matched.append(documents)
                kept.append(_filtered(context, documents, asked))
            current = searchers[0] if searchers else None
            hits = self.ordered(contexts, retrieved, kept, asked)
            hits.terminated_early = early

            def show(body: Mapping[str, Any], documents: Sequence[Array]) -> dict[str, Any]:
                top = SearchRequest.read(body, self._contexts.release)
                found = self.ordered(contexts, retrieved, documents, top)
                return self.page(found, top.start, top.size)

            if asked.aggregations:
                hits.aggregated = tree.computed(asked.aggregations, Selection(contexts, matched, show))
        except Refusal as refusal:
            raise (_wrapped(refusal, current, self._node) if current else refusal) from refusal
        return hits

    def ordered(
        self,
        contexts: Sequence[Context],
        retrieved: Sequence[Matches],
        chosen: Sequence[Array],
        asked: SearchRequest,
    ) -> Ranked:
        """The chosen documents of each index as ranked hits.

        Raises:
            Refusal: a field cannot be sorted or collapsed by.
        """
        if not contexts:
            none = np.empty(0, np.int64)
            return Ranked(asked, [], none, none, np.empty(0, np.float32), [], none, 0)
        parts = [
            (context.searcher, documents, matches.scores[documents])
            for context, matches, documents in zip(contexts, retrieved, chosen, strict=True)
        ]
        sizes = [len(documents) for documents in chosen]
        scores = np.concatenate([scores for _, _, scores in parts])
        columns = [sorting.column(clause, parts) for clause in asked.clauses]
        order = sorting.order(columns, scores)
        collapsed = None
        if asked.collapse is not None:
            collapsed = sorting.column(sorting.Clause(asked.collapse, descending=False, unmapped=True), parts)
            order = _first_of_each(order, collapsed)
        if asked.search_after is not None:
            order = order[sorting.after(columns, asked.search_after)[order]]
        return Ranked(
            asked,
            contexts,
            np.repeat(np.arange(len(parts)), sizes),
            np.concatenate(chosen),
            scores,
            columns,
            order,
            sum(sizes),
            collapsed,
        )

    def page(self, hits: Ranked, start: int, size: int) -> dict[str, Any]:
        """The `hits` of a reply."""
        return pages.page(self._documents, hits, start, size, self._node)


def shards(searchers: Sequence[Searcher]) -> dict[str, int]:
    """The `_shards` of a reply."""
    return {"total": len(searchers), "successful": len(searchers), "skipped": 0, "failed": 0}


def _matched(found: Matches, asked: SearchRequest) -> Array:
    """The documents that the query matches, well enough."""
    if asked.min_score is None:
        return np.flatnonzero(found.mask)
    return np.flatnonzero(found.mask & (found.scores >= np.float32(asked.min_score)))


def _filtered(context: Context, documents: Array, asked: SearchRequest) -> Array:
    """Those that are hits: aggregations do not see the `post_filter`."""
    if asked.post_filter is None:
        return documents
    return documents[evaluate(context, asked.post_filter).mask[documents]]


def _first_of_each(order: Array, column: sorting.Column) -> Array:
    """The best hit of each value; those without a value are one group."""
    seen: set[Any] = set()
    kept = []
    for place in order.tolist():
        value = column.values[place]
        if value not in seen:
            seen.add(value)
            kept.append(place)
    return np.array(kept, np.int64)


def _check_window(searcher: Searcher, asked: SearchRequest, scroll: bool) -> None:
    limit = int(searcher.index.settings.get("max_result_window", RESULT_WINDOW))
    wanted = asked.size if scroll else asked.start + asked.size
    if wanted > limit:
        raise search_errors.WINDOW.refusal(limit=limit, wanted=wanted)


def _refuse_unreadable(contexts: QueryContexts, query: Mapping[str, Any] | None) -> None:
    """Refuse what no index is asked for: the service reads a query before it knows what it is a search of."""
    try:
        check(contexts, query)
    except Refusal as refusal:
        if refusal.kind == errors.ILLEGAL_ARGUMENT.kind:
            raise


def _wrapped(refusal: Refusal, searcher: Searcher, node: str) -> Refusal:
    """Errors that shards report are wrapped; errors of parsing and inference are not."""
    kinds = (
        search_errors.QUERY_SHARD.kind,
        search_errors.SCRIPT.kind,
        errors.ILLEGAL_ARGUMENT.kind,
        aggregation_errors.ORDER.kind,
    )
    if refusal.kind in kinds and refusal.status == 400:
        return search_errors.failed_on_shards(refusal, searcher.index.name, node)
    return refusal
