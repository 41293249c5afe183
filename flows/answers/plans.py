"""The knowledge base that an index is to reach."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.answers.chunks import Chunks


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What a knowledge base is to hold, and how it is to be found."""

    name: str
    chunks: Chunks
    deployment: str
    """What embeds passages; empty to find them by their words only."""
    search_deployment: str
    """What embeds questions."""
    replicas: int
