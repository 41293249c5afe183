"""What a query matches: for each document of an index whether, and how well. And what queries are asked in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.elastic.documents.store import DocumentStore
from sandbox.elastic.indices.index import Index
from sandbox.elastic.search.searcher import Array, Searcher
from sandbox.elastic.versions import Release

Infer = Callable[[str, Sequence[str]], list[dict[str, float]]]
"""Model, alias, deployment or inference id, and texts; gives token weights for each. Raises Refusal."""


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

    searcher: Searcher
    documents: DocumentStore
    release: Release
    infer: Infer
    warnings: list[str] = field(default_factory=list)
    named: dict[str, Array] = field(default_factory=dict)
    """Which documents the queries with a `_name` match."""
    inferred: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    """Token weights by model and text, shared by the indices of one search: the model is asked once."""

    def tokens(self, model: str, text: str) -> dict[str, float]:
        """What the model makes of a query's text."""
        if (model, text) not in self.inferred:
            self.inferred[model, text] = self.infer(model, [text])[0]
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


class QueryContexts:
    """Makes contexts: what queries need beside the index that they search."""

    def __init__(self, documents: DocumentStore, release: Release, infer: Infer) -> None:
        self._documents = documents
        self._release = release
        self._infer = infer

    def of(self, searchers: Sequence[Searcher], warnings: list[str] | None = None) -> list[Context]:
        """One for each index of a search, with the weights of the query's texts shared among them."""
        inferred: dict[tuple[str, str], dict[str, float]] = {}
        said = [] if warnings is None else warnings
        return [
            Context(searcher, self._documents, self._release, self._infer, said, inferred=inferred)
            for searcher in searchers
        ]

    def empty(self) -> Context:
        """One without documents, in which no model is asked: for looking at a query before it is carried out."""
        nothing = Searcher(Index("", "", 0, {}, {}), (), ())
        return Context(nothing, self._documents, self._release, lambda _model, texts: [{} for _ in texts])


Evaluate = Callable[[Context, Any, float], Matches]
"""Context, the query's body, and the boost that comes from above."""
