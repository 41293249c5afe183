"""What an embedding is to reach, the same for every way of embedding; and what embeds, as it was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField

CHUNK_WORDS = 250
"""Words in a passage that are advised: what Elasticsearch's own chunking has by default, well within 512 tokens."""


@dataclass(frozen=True, kw_only=True)
class EmbedPlan:
    """Which documents, embedded in which fields, under which name."""

    alias: str
    source: str
    query: dict[str, Any] | None = None
    remote: ElasticSettings | None = None
    """The cluster that the source is in; None for the same one."""
    fields: tuple[EmbeddedField, ...]
    chunk_words: int | None = None
    """Words in a passage; None embeds texts as a whole, or in the chunks of the endpoint."""
    size: int | None = None
    slices: int = 1
    replicas: int = 1
    accept_unembedded: int = 0
    queries: Path | None = None
    adopts: bool = False
    """Whether the source, which somebody else made, is marked as ours: then the alias may leave it."""


@dataclass(frozen=True, kw_only=True)
class Embedder:
    """What embeds documents, as it was found before anything is made."""

    id: str
    """Of a deployment or an inference endpoint."""
    model_id: str
    deployment_id: str
    """The deployment whose queue and statistics are watched; empty where the model is outside the cluster."""
    dims: int = 0
    """Of its vectors; 0 where it answers tokens with weights."""
