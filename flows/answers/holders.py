"""What holds passages, one entry for each engine: all that the flows of answers know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from flows.answers.options import HolderName
from flows.answers.plans import IndexPlan
from flows.engine import Engine
from flows.runs import Run
from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Agreement, How, KnowledgeBase
from tasks.answers.passages import Passage
from tasks.models.settings import ModelSettings


class Holder(Protocol):
    """An engine that holds passages, through its own steps."""

    engine: Engine[Any]

    def read(self, settings: Any, name: str) -> KnowledgeBase | None:
        """The knowledge base of a name, or None."""
        ...

    def index(self, run: Run[Any], plan: IndexPlan) -> list[str]:
        """Build a new version beside the served one, verify it, serve it. Returns every change that was made."""
        ...

    def verify(self, settings: Any, base: KnowledgeBase, chunks: Sequence[Chunk]) -> Agreement:
        """Compare what is served with what should be. Raises GateNotMet if they differ."""
        ...

    def find(
        self,
        settings: Any,
        models: ModelSettings,
        base: KnowledgeBase,
        question: str,
        *,
        how: How,
        most: int,
        readers: Sequence[str],
    ) -> tuple[Passage, ...]:
        """The passages that a question finds among those that the readers may see, best first."""
        ...

    def remove(self, run: Run[Any], name: str) -> None:
        """Remove a knowledge base with every version."""
        ...

    def all_passages(self, settings: Any, base: KnowledgeBase) -> tuple[Chunk, ...]:
        """Every passage that is served."""
        ...


def holder_of(engine: HolderName) -> Holder:
    """The holder of an engine. Only its own clients are loaded."""
    match engine:
        case "elastic":
            from flows.answers.on_elastic import ElasticHolder  # noqa: PLC0415

            return ElasticHolder()
        case "vertex":
            from flows.answers.on_vertex import VertexHolder  # noqa: PLC0415

            return VertexHolder()
        case "databricks":
            from flows.answers.on_databricks import DatabricksHolder  # noqa: PLC0415

            return DatabricksHolder()
