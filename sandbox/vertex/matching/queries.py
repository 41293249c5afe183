"""Queries against a deployed index, independent of the protocol: both MatchServices translate to and from this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sandbox.vertex.data.contents import Contents
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.query import Hit
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.matching.questions import Question, checked
from sandbox.vertex.resources.copies import Copies
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.store import Deployment

T = TypeVar("T")


class Queries:
    """Looks up what is deployed under an id, and searches it."""

    def __init__(self, indexes: IndexService, copies: Copies, contents: Contents) -> None:
        self._indexes = indexes
        self._copies = copies
        self._contents = contents
        self._configs: dict[str, Config] = {}

    def prepare(self, deployment: Deployment) -> None:
        """Load what is deployed before its first query."""
        index = deployment.index
        self._contents.prepare(index, self._copies.generation(deployment), self._config(index))

    def read(self, deployment: Deployment, use: Callable[[Searcher], T]) -> T:
        """Call `use` with what is deployed now."""
        now, config = self._copies.caught_up(deployment), self._config(deployment.index)
        while True:
            generation = self._copies.generation(now)
            answer = self._contents.read(now.index, generation, config, use)
            now = self._copies.read_again(now)
            if (
                self._copies.generation(now) == generation
            ):  # else what was read may have been discarded before
                return answer

    def ask(
        self,
        deployment: Deployment,
        questions: Sequence[Question],
        use: Callable[[Searcher, list[Hit]], T],
    ) -> list[T]:
        """The result of `use` for the neighbors of each question, nearest first.

        Raises:
            Refusal: one question is invalid; then none is answered.
        """

        def search(searcher: Searcher) -> list[T]:
            queries = [checked(searcher.corpus, question, deployment.id) for question in questions]
            return [use(searcher, hits) for hits in searcher.search(queries)]

        return self.read(deployment, search) if questions else []

    def _config(self, index: str) -> Config:
        config = self._configs.get(index)  # immutable, and costly to parse for every query
        if config is None:
            config = self._configs[index] = self._indexes.config(self._indexes.ready(index))
        return config
