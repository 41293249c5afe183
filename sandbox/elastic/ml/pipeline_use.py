"""What machine learning asks about ingest pipelines, which stand above it: who would miss a model."""

from __future__ import annotations

from typing import Any, Protocol


class PipelineUse(Protocol):
    """The pipelines, as far as they name models."""

    def referenced_models(self) -> set[str]:
        """Ids of models, aliases and deployments that processors name."""
        ...

    def statistics(self, models: set[str]) -> dict[str, dict[str, Any]]:
        """The counts of every pipeline that names one of these ids, by the pipeline's own id."""
        ...
