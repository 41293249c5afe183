"""Matches: whether and how well a query matches each document of an index. And the context in which queries run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.errors import Answer
from sandbox.elastic.indices.index import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.searcher import Array, Searcher
from sandbox.elastic.versions import Release
from sandbox.models.embedding import Embedding

Infer = Callable[[str, Sequence[str]], list[Embedding]]
"""Takes the id of an endpoint, model, alias or deployment, and texts; returns the embedding of each. Raises Refusal."""

Relevance = Callable[[str, str, Sequence[str]], list[float]]
"""Takes the id of an endpoint that reranks, a query and texts; returns how relevant each text is, a logit. Raises Refusal."""


@dataclass(frozen=True)
class Matches:
    """The matches of a query; both arrays have one element per document of the index."""

    mask: Array
    """False for deleted documents."""
    scores: Array
    """float32; 0 for documents that do not match."""


class InnerHits(Protocol):
    """The hits within each document of an index."""

    def shown(self, document: int, row: Row) -> dict[str, Any]:
        """Those of one document, as a hit shows them."""
        ...


@dataclass
class Context:
    """One search of one index."""

    searcher: Searcher
    documents: DocumentStore
    release: Release
    infer: Infer
    relevance: Relevance
    warnings: list[str] = field(default_factory=list)
    named: dict[str, Array] = field(default_factory=dict)
    """The matches of each query with a `_name`."""
    words: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    """The terms and phrases that queries looked for in each field: what a highlighter marks."""
    sought: dict[str, Mapping[str, float] | Sequence[float]] = field(default_factory=dict)
    """What queries on each semantic_text field looked for: token weights, or a vector."""
    nearest: list[Matches] = field(default_factory=list)
    """What each knn section of the search found."""
    inner: dict[str, InnerHits] = field(default_factory=dict)
    """The hits within documents, by name."""
    level: str = ""
    """The path of the nested field whose objects are searched; empty for whole documents."""
    inferred: dict[tuple[str, str], Embedding] = field(default_factory=dict)
    """Embeddings by model and text, shared by the indices of one search, so that the model is asked once."""
    is_checked_only: bool = False
    """Whether the query is only validated: there are no documents, and no model is asked."""
    size: int = 10
    """`size` of the search, which is the default of some queries' `k`."""

    def embedding(self, model: str, text: str) -> dict[str, float] | list[float]:
        """The embedding of a query's text: token weights or a vector, whichever the model answers."""
        if (model, text) not in self.inferred:
            self.inferred[model, text] = self.infer(model, [text])[0]
        return self.inferred[model, text].value

    def tokens(self, model: str, text: str, no_tokens: Answer = search_errors.NOT_SPARSE) -> dict[str, float]:
        """The token weights of a query's text.

        Raises:
            Refusal: the model answers vectors, in the words of `no_tokens`.
        """
        found = self.embedding(model, text)
        if not isinstance(found, dict):
            raise no_tokens.refusal(model=model)
        return found

    def vector(self, model: str, text: str) -> list[float]:
        """The vector of a query's text.

        Raises:
            Refusal: the model answers token weights.
        """
        found = self.embedding(model, text)
        if isinstance(found, dict):
            if self.is_checked_only:
                return []
            raise search_errors.NOT_DENSE.refusal(model=model)
        return found

    def looked_for(self, path: str, *terms: str) -> None:
        """Note terms that a query looks for side by side in a field."""
        self.words.setdefault(path, set()).add(terms)

    def unseen(self) -> Context:
        """The same search for a query whose matches are left out: what it looks for is not highlighted."""
        return replace(self, words={}, sought={}, inner={})

    def none(self) -> Matches:
        """No matches."""
        return Matches(np.zeros(self.searcher.size, bool), np.zeros(self.searcher.size, np.float32))

    def constant(self, mask: Array, score: float) -> Matches:
        """Matches with a constant score."""
        return Matches(mask, np.where(mask, np.float32(score), np.float32(0)))

    def only(self, documents: Array) -> Array:
        """A mask of these documents."""
        mask = np.zeros(self.searcher.size, bool)
        mask[documents] = True
        return mask & self.searcher.alive

    def added(self, parts: list[Matches]) -> Matches:
        """Documents that match any part; scores are summed in double and converted to float at the end, as in Lucene."""
        if not parts:
            return self.none()
        total = np.zeros(self.searcher.size, np.float64)
        mask = np.zeros(self.searcher.size, bool)
        for part in parts:
            total += part.scores
            mask |= part.mask
        return Matches(mask, total.astype(np.float32))


class QueryContexts:
    """Creates the contexts of searches."""

    def __init__(
        self, documents: DocumentStore, release: Release, infer: Infer, relevance: Relevance
    ) -> None:
        self._documents = documents
        self.release = release
        self._infer = infer
        self._relevance = relevance

    def of(self, searchers: Sequence[Searcher], warnings: list[str] | None = None) -> list[Context]:
        """One context per index of a search; they share the weights of the query's texts."""
        inferred: dict[tuple[str, str], Embedding] = {}
        said = [] if warnings is None else warnings
        return [
            Context(
                searcher,
                self._documents,
                self.release,
                self._infer,
                self._relevance,
                said,
                inferred=inferred,
            )
            for searcher in searchers
        ]

    def empty(self) -> Context:
        """A context without documents, in which no model is asked: for validating a query."""
        nothing = Searcher(Index("", "", 0, {}, {}), (), ())
        return Context(
            nothing, self._documents, self.release, _unasked, self._relevance, is_checked_only=True
        )


def _unasked(_model: str, texts: Sequence[str]) -> list[Embedding]:
    return [Embedding({}, is_truncated=False) for _ in texts]


Evaluate = Callable[[Context, Any, float], Matches]
"""Takes the context, the query's body, and the boost of the enclosing query."""
