"""The knowledge base that an index is to reach, and what an engine can do of it."""

from __future__ import annotations

from dataclasses import dataclass

from flows.confirmation import Question
from tasks.answers.chunks import Chunks
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What a knowledge base is to hold, and how it is to be found."""

    name: str
    chunks: Chunks
    deployment: str
    """What makes sparse embeddings of passages; empty for none."""
    search_deployment: str
    """What embeds questions."""
    models: ModelSettings | None
    """Where the model is that makes dense embeddings; None for none."""
    replicas: int
    """Copies of each shard, on Elasticsearch."""
    yes: bool = False
    """Whether costs, and what is asked, are agreed to."""
    questions: tuple[Question, ...] = ()
    """What is asked before anything is changed, beside costs."""

    def embedding_models(self, engine: str) -> ModelSettings:
        """Where the model is, for an engine that finds passages by their dense embeddings alone.

        Raises:
            InvalidInput: ELSER was asked for, which is Elasticsearch's, or no dense embeddings were.
        """
        if self.deployment:
            raise InvalidInput(
                "Deployments of ELSER are Elasticsearch's", value=self.deployment, source="--deployment",
                accepted="none; --dense embeds passages by OPENAI_EMBEDDING_MODEL",
            )  # fmt: skip
        if self.models is None:
            raise InvalidInput(
                f"{engine} finds passages by dense embeddings", source="--dense", remedy="Give --dense, and set OPENAI_EMBEDDING_MODEL."
            )  # fmt: skip
        return self.models
