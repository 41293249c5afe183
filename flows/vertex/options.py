"""Options that several flows of Vertex AI Vector Search share."""

from __future__ import annotations

from pydantic import Field

from flows.options import Options
from flows.runs import Run
from tasks.vertex.settings import VertexSettings, VertexTarget
from tasks.vertex.specs import Name

VertexRun = Run[VertexSettings]


class VertexOptions(Options, frozen=True):
    """Options of every flow."""

    target: VertexTarget = Field(
        description="Where: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set."
    )


class DataOptions(VertexOptions, frozen=True):
    """Options of flows that read a data file."""

    allow_external_data: bool = Field(
        default=False,
        description=(
            "Also read what the HDF5 file takes from other files: external storage, external links, virtual datasets. It may "
            "name any file that this process can read, and what is read goes into the index: only for files that you trust."
        ),
    )


class BuiltIndexOptions(VertexOptions, frozen=True):
    """Options of flows that work with an existing index."""

    name: Name = Field(description="The name that the index was built under.")
