"""The knowledge base that an index is to reach."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.answers.chunks import Chunks
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
