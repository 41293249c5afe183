"""The hits of a search in their order, before any of them is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.search import sorting
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.search_request import SearchRequest
from sandbox.elastic.search.searcher import Array, Searcher


@dataclass
class Ranked:
    """All hits of a search, ranked."""

    request: SearchRequest
    contexts: Sequence[Context]
    which: Array
    """For each hit, the number of its context."""
    documents: Array
    scores: Array
    columns: list[sorting.Column]
    order: Array
    found: int
    collapsed: sorting.Column | None = None
    """The values by which hits are collapsed."""
    aggregated: dict[str, Any] | None = None
    """The results of the aggregations."""
    terminated_early: bool = False
    """Whether `terminate_after` left out documents of an index."""

    @property
    def searchers(self) -> list[Searcher]:
        """What was searched."""
        return [context.searcher for context in self.contexts]
