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


class BuiltIndexOptions(VertexOptions, frozen=True):
    """Options of flows that work with an existing index."""

    name: Name = Field(description="The name that the index was built under.")
