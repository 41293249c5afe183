"""Specifications, as values: a collection and its index. The spellings of the service stay in this file."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from google.cloud import vectorsearch_v1 as v1
from pydantic import AfterValidator, BaseModel, Field

from tasks.errors import InvalidInput
from tasks.marks import fingerprint
from tasks.measures.neighbors import FeatureNorm
from tasks.vertex.specs import Name, Specification

DistanceMetric = Literal["DOT_PRODUCT", "COSINE_DISTANCE"]
Mode = Literal["PERFORMANCE_OPTIMIZED", "STORAGE_OPTIMIZED"]
IndexKind = Literal["scann", "none"]
DataType = Literal["string", "integer", "number"]
TaskType = Literal[
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
]
FIELD = re.compile(r"[A-Za-z0-9_-]+")
"""Names of fields: "must contain only alphanumeric characters, underscores, and hyphens" (Collection.vector_schema)."""


def _field_name(value: str) -> str:
    if not FIELD.fullmatch(value):
        raise ValueError("A field's name has letters, digits, underscores and dashes only.")
    return value


def _collection_name(value: str) -> str:
    if value.endswith("-"):
        raise ValueError("The name of a collection does not end with a dash.")
    return value


FieldName = Annotated[str, AfterValidator(_field_name)]
CollectionName = Annotated[Name, AfterValidator(_collection_name)]
"""A name that is the id of a collection and of its index, and valid as a label value."""


class Embedding(BaseModel, frozen=True):
    """The model that the service embeds texts with, for semantic searches."""

    model_id: str = Field(min_length=1)
    text_template: str
    """How a data object becomes a text: `{title}: {plot}`, with its data fields in braces."""
    task_type: TaskType = "RETRIEVAL_DOCUMENT"


class CollectionSpec(Specification, frozen=True):
    """A collection: one dense field, and the data fields beside it. None of it is changed in place."""

    name: CollectionName
    dimensions: int = Field(gt=0)
    vector_field: FieldName = "embedding"
    distance_metric: DistanceMetric = "DOT_PRODUCT"
    """Of its index, and of searches without one."""
    data_fields: tuple[tuple[str, DataType], ...] = ()
    embedding: Embedding | None = None

    def message(self) -> v1.Collection:
        """The collection without its labels."""
        dense: dict[str, Any] = {"dimensions": self.dimensions}
        if self.embedding is not None:
            dense["vertex_embedding_config"] = v1.VertexEmbeddingConfig(
                model_id=self.embedding.model_id,
                text_template=self.embedding.text_template,
                task_type=v1.EmbeddingTaskType[self.embedding.task_type],
            )
        properties = {name: {"type": kind} for name, kind in self.data_fields}
        return v1.Collection(
            display_name=self.name,
            vector_schema={self.vector_field: v1.VectorField(dense_vector=v1.DenseVectorField(dense))},
            data_schema={"type": "object", "properties": properties},
        )


class CollectionIndexSpec(Specification, frozen=True):
    """An index on the dense field. Only its replicas are changed in place."""

    index_field: str
    distance_metric: DistanceMetric = "DOT_PRODUCT"
    feature_norm: FeatureNorm = "NONE"
    mode: Mode = "PERFORMANCE_OPTIMIZED"
    filter_fields: tuple[str, ...] = ()
    """Data fields that the index filters by itself."""
    store_fields: tuple[str, ...] = ()
    """Data fields that the index answers with by itself."""
    min_replicas: int | None = Field(default=None, ge=1, le=1000)
    """None keeps the current number; a new index gets the service's 2."""
    max_replicas: int | None = Field(default=None, ge=1, le=1000)
    """None keeps the current number, or min_replicas if that is more."""

    @property
    def spec(self) -> str:
        """Twelve hex digits of what cannot be changed in place."""
        return fingerprint(self.model_dump(exclude={"name", "min_replicas", "max_replicas"}))

    def replicas(self, there: tuple[int, int] | None = None) -> tuple[int, int]:
        """The wanted (min, max), where these are there.

        Raises:
            InvalidInput: max_replicas is below the min_replicas that are asked for or there.
        """
        least_there, most_there = there or (FEWEST, FEWEST)
        least = self.min_replicas or least_there
        most = self.max_replicas or max(least, most_there)
        if most < least:
            accepted = (
                f"{least} or more, the min_replicas {'requested' if self.min_replicas else 'that run now'}"
            )
            raise InvalidInput("Too few replicas", value=most, source="max_replicas", accepted=accepted)
        return least, most

    def message(self) -> v1.Index:
        """The index without its labels."""
        least, most = self.replicas()
        return v1.Index(
            display_name=self.name,
            index_field=self.index_field,
            distance_metric=v1.DistanceMetric[self.distance_metric],
            filter_fields=list(self.filter_fields),
            store_fields=list(self.store_fields),
            dense_scann=v1.DenseScannIndex(
                feature_norm_type=v1.DenseScannIndex.FeatureNormType[self.feature_norm]
            ),
            dedicated_infrastructure=v1.DedicatedInfrastructure(
                mode=v1.DedicatedInfrastructure.Mode[self.mode],
                autoscaling_spec=v1.DedicatedInfrastructure.AutoscalingSpec(
                    min_replica_count=least, max_replica_count=most
                ),
            ),
        )


FEWEST = 2
"""Replicas of an index, the service's default (AutoscalingSpec)."""
