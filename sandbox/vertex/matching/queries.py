"""Queries against a deployed index, independent of the protocol: both MatchServices translate to and from this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sandbox.vertex import errors
from sandbox.vertex.data.contents import Contents
from sandbox.vertex.data.corpus import Vectors
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.restricts import OPERATORS, Number, Tokens
from sandbox.vertex.data.searcher import DEFAULT_NEIGHBORS, Hit, Query, Searcher
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.store import Resource, Store

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """A client's query, not checked yet."""

    vector: Vectors
    datapoint_id: str = ""
    """Query by id: used when there is no vector."""
    neighbors: int = 0
    per_tag: int = 0
    approximate: int = 0
    leaf_fraction: float = 0.0
    tokens: Sequence[Tokens] = field(default_factory=tuple)
    numbers: Sequence[Number] = field(default_factory=tuple)


class Queries:
    """Looks up what is deployed under an id, and searches it."""

    def __init__(self, store: Store, indexes: IndexService, contents: Contents) -> None:
        self._store = store
        self._indexes = indexes
        self._contents = contents
        self._configs: dict[str, Config] = {}

    def prepare(self, index: Resource) -> None:
        """Load an index before its first query."""
        self._contents.prepare(index.name, index.content, self._config(index))

    def read(self, index_name: str, use: Callable[[Searcher], T]) -> T:
        """Call `use` with what is deployed of an index now."""
        index = self._store.resources.get(index_name)
        if index is None:
            raise errors.NOT_FOUND.refusal(kind="Index", name=index_name)
        return self._contents.read(index.name, index.content, self._config(index), use)

    def ask(
        self,
        index_name: str,
        deployed_index_id: str,
        questions: Sequence[Question],
        use: Callable[[Searcher, list[Hit]], T],
    ) -> list[T]:
        """The result of `use` for the neighbors of each question, nearest first.

        Raises:
            Refusal: one question is invalid; then none is answered.
        """

        def search(searcher: Searcher) -> list[T]:
            queries = [_checked(searcher, question, deployed_index_id) for question in questions]
            return [use(searcher, hits) for hits in searcher.search(queries)]

        return self.read(index_name, search) if questions else []

    def _config(self, index: Resource) -> Config:
        config = self._configs.get(index.name)  # immutable, and costly to parse for every query
        if config is None:
            config = self._configs[index.name] = self._indexes.config(index)
        return config


def _checked(searcher: Searcher, question: Question, deployed_index_id: str) -> Query:
    corpus, vector = searcher.corpus, question.vector
    if not len(vector) and question.datapoint_id:
        row = corpus.row_of.get(question.datapoint_id)
        if row is None:
            raise errors.DATAPOINT_NOT_FOUND.refusal(id=question.datapoint_id, deployed=deployed_index_id)
        vector = corpus.vectors[row]
    if len(vector) != corpus.config.dimensions:
        raise errors.DIMENSIONS.refusal(
            what="the query", given=len(vector), expected=corpus.config.dimensions
        )
    if not np.isfinite(vector).all():
        raise errors.INVALID_QUERY.refusal(problem="the vector holds NaN or infinity.")
    if min(question.neighbors, question.per_tag, question.approximate) < 0:
        raise errors.INVALID_QUERY.refusal(problem="neighbor counts must not be negative.")
    if not 0 <= question.leaf_fraction <= 1:
        raise errors.INVALID_QUERY.refusal(
            problem="the fraction of leaves to search must be between 0 and 1."
        )
    for number in question.numbers:
        if number.op not in OPERATORS:
            raise errors.INVALID_QUERY.refusal(
                problem=f"the numeric restrict on {number.namespace!r} has no operator."
            )
        if not number.kind:
            raise errors.INVALID_QUERY.refusal(
                problem=f"the numeric restrict on {number.namespace!r} has no value."
            )
    return Query(
        vector=vector,
        neighbors=question.neighbors or DEFAULT_NEIGHBORS,
        per_tag=question.per_tag,
        approximate=question.approximate,
        leaf_fraction=question.leaf_fraction,
        tokens=question.tokens,
        numbers=question.numbers,
    )
