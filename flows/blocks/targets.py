"""The types of blocks, one for each service: its settings, as a block of Prefect.

What a block holds is checked by the same models as the environment. Tasks know no block: they get the settings in it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from prefect.blocks.core import Block

from tasks.databricks.settings import DatabricksSettings, WorkspaceSettings
from tasks.elastic.settings import ElasticSettings
from tasks.models.settings import ModelSettings
from tasks.vertex.settings import GoogleCloudSettings, VertexSettings


class Target(Block, ABC, frozen=True):  # pyright: ignore[reportGeneralTypeIssues] -- pydantic merges the two configurations
    """The settings of a service, as a block."""

    @property
    @abstractmethod
    def settings(self) -> Any:
        """Those that the service's flows take."""

    def held(self) -> dict[str, Any]:
        """The fields by their names."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class GoogleCloudTarget(GoogleCloudSettings, Target, frozen=True):
    """A project and region of Google Cloud, the target of flows of Vertex AI: `--target block:NAME`."""

    _block_type_name = "Google Cloud target"
    _block_type_slug = "google-cloud-target"

    @property
    def settings(self) -> VertexSettings:
        """Those that flows of Vertex AI take."""
        return VertexSettings(**self.held())


class ElasticTarget(ElasticSettings, Target, frozen=True):
    """An Elasticsearch cluster with credentials, the target of flows of Elasticsearch: `--target block:NAME`."""

    prefix: ClassVar[str] = ""
    _block_type_name = "Elasticsearch target"
    _block_type_slug = "elasticsearch-target"

    @property
    def settings(self) -> ElasticSettings:
        """Those that flows of Elasticsearch take."""
        return ElasticSettings(**self.held())


class DatabricksTarget(WorkspaceSettings, Target, frozen=True):
    """A schema of a Databricks workspace with credentials, the target of flows of Databricks: `--target block:NAME`."""

    _block_type_name = "Databricks target"
    _block_type_slug = "databricks-target"

    @property
    def settings(self) -> DatabricksSettings:
        """Those that flows of Databricks take."""
        return DatabricksSettings(**self.held())


class AnswerModel(ModelSettings, Target, frozen=True):
    """Models that answer and embed. A flow of answers with `--target block:NAME` takes the one of the same name as its target."""

    _block_type_name = "Answer model"
    _block_type_slug = "answer-model"

    @property
    def settings(self) -> ModelSettings:
        """Those that flows of answers take."""
        return ModelSettings(**self.held())


TARGETS: tuple[type[Target], ...] = (GoogleCloudTarget, ElasticTarget, DatabricksTarget, AnswerModel)
