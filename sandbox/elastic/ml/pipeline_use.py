"""What machine learning needs to know about ingest pipelines, which are in a room above it: which models they use."""

from __future__ import annotations

from typing import Any, Protocol


class PipelineUse(Protocol):
    """The pipelines, as far as they reference models."""

    def referenced_models(self) -> set[str]:
        """The ids of models, aliases and deployments that processors reference."""
        ...

    def statistics(self, models: set[str]) -> dict[str, dict[str, Any]]:
        """The counts of every pipeline that references one of these ids, by pipeline id."""
        ...
