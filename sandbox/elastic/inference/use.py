"""Who uses an endpoint: pipelines, which are in a room above, and fields of type semantic_text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sandbox.elastic.indices.index import Index


class PipelineModels(Protocol):
    """The pipelines, as far as endpoints are concerned."""

    def models(self) -> dict[str, set[str]]:
        """By pipeline: the ids that its processors reference."""
        ...


class EndpointUse:
    """Finds the uses of an endpoint."""

    def __init__(self, pipelines: PipelineModels, indices: Iterable[Index]) -> None:
        self._pipelines = pipelines
        self._indices = indices

    def pipelines(self, inference_id: str) -> list[str]:
        """The pipelines with a processor that names it, sorted."""
        return sorted(name for name, models in self._pipelines.models().items() if inference_id in models)

    def indexes(self, inference_id: str) -> list[str]:
        """The indices with a semantic_text field that names it, sorted."""
        names = ("inference_id", "search_inference_id")
        return sorted(
            index.name
            for index in self._indices
            if any(
                inference_id in {field.parameters.get(name) for name in names}
                for field in index.fields.values()
                if field.type == "semantic_text"
            )
        )
