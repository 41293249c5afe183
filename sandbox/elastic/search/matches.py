"""What a query matches: for each document of an index whether, and how well. And what queries are asked in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sandbox.elastic.search.searcher import Array, Searcher

if TYPE_CHECKING:
    from sandbox.elastic.cluster import Cluster


@dataclass(frozen=True)
class Matches:
    """Both arrays are as long as the index has documents."""

    mask: Array
    """Deleted documents are never in it."""
    scores: Array
    """float32; 0 where nothing matches."""


@dataclass
class Context:
    """One search of one index."""

    cluster: Cluster
    searcher: Searcher
    warnings: list[str] = field(default_factory=list)
    named: dict[str, Array] = field(default_factory=dict)
    """Which documents the queries with a `_name` match."""
    inferred: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    """Token weights by model and text, shared by the indices of one search: the model is asked once."""

    def tokens(self, model: str, text: str) -> dict[str, float]:
        """What the model makes of a query's text."""
        if (model, text) not in self.inferred:
            self.inferred[model, text] = self.cluster.infer(model, [text])[0]
        return self.inferred[model, text]

    def none(self) -> Matches:
        """No document."""
        return Matches(np.zeros(self.searcher.size, bool), np.zeros(self.searcher.size, np.float32))

    def constant(self, mask: Array, score: float) -> Matches:
        """All of `mask`, equally well."""
        return Matches(mask, np.where(mask, np.float32(score), np.float32(0)))

    def only(self, documents: Array) -> Array:
        """These documents as a mask."""
        mask = np.zeros(self.searcher.size, bool)
        mask[documents] = True
        return mask & self.searcher.alive

    def added(self, parts: list[Matches]) -> Matches:
        """Any of several: sums in double, cut to float at the end, as Lucene's scorers do."""
        if not parts:
            return self.none()
        total = np.zeros(self.searcher.size, np.float64)
        mask = np.zeros(self.searcher.size, bool)
        for part in parts:
            total += part.scores
            mask |= part.mask
        return Matches(mask, total.astype(np.float32))


Evaluate = Callable[[Context, Any, float], Matches]
"""Context, the query's body, and the boost that comes from above."""
