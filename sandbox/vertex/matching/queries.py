"""Queries against a deployed index, independent of the protocol: both MatchServices translate to and from this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sandbox.vertex import errors
from sandbox.vertex.data.contents import Contents
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.query import Hit
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.matching.questions import Question, checked
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.store import Resource, Store

T = TypeVar("T")


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
            queries = [checked(searcher.corpus, question, deployed_index_id) for question in questions]
            return [use(searcher, hits) for hits in searcher.search(queries)]

        return self.read(index_name, search) if questions else []

    def _config(self, index: Resource) -> Config:
        config = self._configs.get(index.name)  # immutable, and costly to parse for every query
        if config is None:
            config = self._configs[index.name] = self._indexes.config(index)
        return config
