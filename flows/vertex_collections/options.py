"""Options that several flows of Vector Search 2.0 share."""

from __future__ import annotations

from pydantic import Field

from flows.runs import Run
from flows.vertex.options import VertexOptions
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.specs import CollectionName

CollectionsRun = Run[VertexSettings]


class BuiltCollectionOptions(VertexOptions, frozen=True):
    """Options of flows that work with an existing collection."""

    name: CollectionName = Field(description="The name that the collection was built under.")
