"""Options that several flows of Vertex AI Vector Search share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from flows.targets import Target
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.imports.import_data import DataSource
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import Name
from tasks.vertex.verification.truths import ALPHA

VertexRun = Run[VertexSettings]


class VertexOptions(Options, frozen=True):
    """Options of every flow."""

    target: Annotated[str, Target("sandbox", "google-cloud")] = Field(
        description="Where: sandbox, google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set, or block:NAME, a Google Cloud target in Prefect."
    )


DATA = (
    "HDF5 (ann-benchmarks layout), Parquet, Arrow, JSON lines (records as in import files), .npy, .fvecs, .bvecs or .csr; a local "
    "path or a gs:// address."
)
"""What a data file may be, for the options that take one."""


class DataOptions(VertexOptions, frozen=True):
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
    sparse_from: str | None = Field(
        default=None,
        description=(
            "Sparse embeddings, alone or beside dense vectors: the HDF5 group that holds `indptr`, `indices` and `data` (CSR). "
            "Default: train, if it is such a group. JSON lines have them in `sparse_embedding`; beside .npy, .fvecs and .bvecs, a "
            ".csr file of big-ann-benchmarks."
        ),
    )
    sparse_queries_from: str | None = Field(
        default=None,
        description="HDF5 group or .csr file of the sparse queries. Default: the name of sparse_from with test in place of train.",
    )
    allow_external_data: bool = Field(
        default=False,
        description=(
            "Also read what the HDF5 file takes from other files: external storage, external links, virtual datasets. It may "
            "name any file that this process can read, and what is read goes into the index: only for files that you trust."
        ),
    )

    def data_source(
        self, data: str, limit: int | None = None, rules: DatapointRules | None = None
    ) -> DataSource:
        """What is read of a data file."""
        names = Names(
            vectors=self.vectors_from,
            ids=self.ids_from,
            queries=self.queries_from,
            sparse=self.sparse_from,
            sparse_queries=self.sparse_queries_from,
        )
        return DataSource(
            data=data,
            limit=limit,
            rules=rules or DatapointRules(),
            names=names,
            allow_external=self.allow_external_data,
        )


class HybridOptions(VertexOptions, frozen=True):
    """Options of flows that measure the recall of hybrid queries."""

    alpha: float = Field(
        default=ALPHA,
        ge=0,
        le=1,
        description="Weight of the dense ranking in hybrid queries that measure recall.",
    )
    rrf_constant: float = Field(
        default=0,
        ge=0,
        allow_inf_nan=False,
        description="What the exact merge that hybrid recall is measured against adds to a rank: 0 as in Google's documentation, "
        "60 in the literature.",
    )


class BuiltIndexOptions(VertexOptions, frozen=True):
    """Options of flows that work with an existing index."""

    name: Name = Field(description="The name that the index was built under.")
