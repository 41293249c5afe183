"""Specifications, as values: an index and its endpoint. The spellings of the service stay in this file."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

from databricks.sdk.service.vectorsearch import (
    DeltaSyncVectorIndexSpecRequest,
    DirectAccessVectorIndexSpec,
    EmbeddingSourceColumn,
    EmbeddingVectorColumn,
    PipelineType,
)
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from tasks.marks import fingerprint

KEY = "id"
"""The primary key of every index that we make: the row's id, as text."""
IndexType = Literal["DIRECT_ACCESS", "DELTA_SYNC"]
EndpointKind = Literal["STANDARD", "STORAGE_OPTIMIZED"]
STANDARD: EndpointKind = "STANDARD"
STORAGE_OPTIMIZED: EndpointKind = "STORAGE_OPTIMIZED"
DIVISOR = 16
"""Of the dimension of an index on a storage-optimized endpoint; from memory of the documentation."""
DataType = Literal["string", "long", "float", "double"]
PASSAGES = "passages"
"""The mark `spec` of the endpoint of a knowledge base, whose indexes describe themselves."""
FIRST = "first"
"""The version of an index whose name says none: what a build creates."""
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_NAME = r"^[a-z][a-z0-9-]{0,48}[a-z0-9]$"


def _name(value: str) -> str:
    if not re.fullmatch(_NAME.strip("^$"), value) or value.endswith("-source"):
        raise ValueError(
            "A name has 2 to 50 lowercase letters, digits and dashes, a letter first, and neither a dash nor -source at "
            "its end."
        )
    return value


def _column_name(value: str) -> str:
    if not COLUMN.fullmatch(value) or value == KEY:
        raise ValueError(
            f"A column's name has letters, digits and underscores, no digit first, and is not {KEY}."
        )
    return value


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": _NAME})]
"""The name of an endpoint, and of its index with underscores for dashes."""
ColumnName = Annotated[str, AfterValidator(_column_name)]


class IndexSpec(BaseModel, frozen=True):
    """An index with one vector column, on an endpoint of its own. None of it is changed in place."""

    name: Name
    version: str = FIRST
    """Which of the indexes of the name, all on its endpoint: FIRST, or twelve hex digits."""
    index_type: IndexType = "DIRECT_ACCESS"
    dimensions: int = Field(ge=0, le=4096)
    """Of the vectors; 0 where the service makes them."""
    vector_column: ColumnName = "embedding"
    data_columns: tuple[tuple[str, DataType], ...] = ()
    embed_with: str = ""
    """The model serving endpoint by which the service embeds the texts of a Delta Sync index; empty: the rows have vectors."""
    text_column: ColumnName = "text"
    """The column of these texts."""
    endpoint_type: EndpointKind = STANDARD
    """Of what serves it; no part of the configuration, because an endpoint is of one kind for good."""

    @property
    def spec(self) -> str:
        """Twelve hex digits of the immutable configuration, the same in every process."""
        others = {"name", "version", "endpoint_type"}
        return fingerprint(
            self.model_dump(exclude=others if self.embed_with else others | {"embed_with", "text_column"})
        )

    @property
    def columns(self) -> dict[str, str]:
        """The type of each column."""
        embedded = {self.text_column: "string"} if self.embed_with else {self.vector_column: "array<float>"}
        return {KEY: "string", **embedded, **dict(self.data_columns)}

    def full_name_in(self, catalog_schema: str) -> str:
        """The full name of its index: `main.default.my_films`."""
        return index_name(catalog_schema, self.name, self.version)

    def direct_access(self) -> DirectAccessVectorIndexSpec:
        """As the SDK sends it."""
        vector = EmbeddingVectorColumn(embedding_dimension=self.dimensions, name=self.vector_column)
        return DirectAccessVectorIndexSpec(
            embedding_vector_columns=[vector], schema_json=json.dumps(self.columns)
        )

    def delta_sync(self, source_table: str) -> DeltaSyncVectorIndexSpecRequest:
        """As the SDK sends it. TRIGGERED, because a CONTINUOUS pipeline keeps a cluster running.

        A storage-optimized endpoint takes no choice of columns: there the index has all of its table, which we made of the same.
        """
        text = EmbeddingSourceColumn(embedding_model_endpoint_name=self.embed_with, name=self.text_column)
        vector = EmbeddingVectorColumn(embedding_dimension=self.dimensions, name=self.vector_column)
        return DeltaSyncVectorIndexSpecRequest(
            embedding_source_columns=[text] if self.embed_with else None,
            embedding_vector_columns=None if self.embed_with else [vector],
            columns_to_sync=list(self.columns) if self.endpoint_type == STANDARD else None,
            pipeline_type=PipelineType.TRIGGERED,
            source_table=source_table,
        )


def table_name(catalog_schema: str, name: str, version: str = FIRST) -> str:
    """The full name of the source table of a version: `main.default.my_films_source`. No name of an index ends so."""
    return f"{index_name(catalog_schema, name, version)}_source"


def index_name(catalog_schema: str, name: str, version: str = FIRST) -> str:
    """The full name of an index: `main.default.my_films` of `my-films`, and of a later version `main.default.my_films_5f0c9a2e71bd`.

    No two names have the same for their first versions. Of the others the endpoint says whose they are.
    """
    full_name = f"{catalog_schema}.{name.replace('-', '_')}"
    return full_name if version == FIRST else f"{full_name}_{version}"


def shown(name: str, version: str) -> str:
    """A version of a name for people: `films`, and `films 5f0c9a2e71bd`."""
    return name if version == FIRST else f"{name} {version}"


def version_of(full_name: str, catalog_schema: str, name: str) -> str | None:
    """Which version of a name an index is by its full name, or None if it is none."""
    own = index_name(catalog_schema, name)
    if full_name == own:
        return FIRST
    found = re.fullmatch(rf"{re.escape(own)}_([0-9a-f]{{12}})", full_name)
    return found[1] if found else None
