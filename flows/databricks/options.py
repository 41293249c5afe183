"""Options that several flows of Databricks share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from flows.targets import Target
from tasks.databricks.data import RowSource
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import Name
from tasks.vertex.data.formats.stored import Names

DatabricksRun = Run[DatabricksSettings]

DATA = "HDF5 (ann-benchmarks layout), Parquet, Arrow, .npy, .fvecs or .bvecs; a local path."
"""What a data file may be, for the options that take one."""


class WorkspaceOptions(Options, frozen=True):
    """Options of every flow."""

    target: Annotated[str, Target("sandbox", "databricks")] = Field(
        description="Where: sandbox, databricks with DATABRICKS_HOST, DATABRICKS_CATALOG_SCHEMA and credentials set, or block:NAME, a Databricks "
        "target in Prefect."
    )


class DataOptions(WorkspaceOptions, frozen=True):
    """Options of flows that read a data file."""

    vectors_from: str | None = Field(
        default=None,
        description="Dataset or column of the vectors. Default: train in HDF5, embedding in tables.",
    )
    ids_from: str | None = Field(
        default=None,
        description=(
            "Dataset or column of the ids; beside .npy, .fvecs and .bvecs a .npy or text file with one id a line. "
            "Default: ids in HDF5, id in tables; without one, ids are the row numbers from 0."
        ),
    )
    queries_from: str | None = Field(
        default=None,
        description="Queries to measure with: a dataset of the HDF5 file (default: test), beside other formats another data file.",
    )
    allow_external_data: bool = Field(
        default=False,
        description=(
            "Also read what the HDF5 file takes from other files, which may be any that this process can read: only for files that "
            "you trust."
        ),
    )

    def row_source(self, data: str, limit: int | None = None, columns: tuple[str, ...] = ()) -> RowSource:
        """What is read of a data file."""
        names = Names(vectors=self.vectors_from, ids=self.ids_from, queries=self.queries_from)
        return RowSource(
            data=data, limit=limit, columns=columns, names=names, allow_external=self.allow_external_data
        )


class BuiltIndexOptions(WorkspaceOptions, frozen=True):
    """Options of flows that work with an existing index."""

    name: Name = Field(description="The name that the index was built under.")


class VersionOptions(BuiltIndexOptions, frozen=True):
    """Options of flows that work with one version of an index."""

    version: str | None = Field(
        default=None,
        description="A version in place of the served one: first, or the twelve hex digits that its build named.",
    )
