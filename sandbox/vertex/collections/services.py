"""The three services of Vector Search 2.0, over one set of collections."""

from __future__ import annotations

from collections.abc import Collection

from google.cloud import vectorsearch_v1 as v1

from sandbox.storage.reader import Reader
from sandbox.vertex.collections.collection_service import VectorSearchService
from sandbox.vertex.collections.data_objects import DataObjects
from sandbox.vertex.collections.object_service import DataObjectService
from sandbox.vertex.collections.resources import Resources
from sandbox.vertex.collections.search_service import DataObjectSearchService
from sandbox.vertex.operations.lifecycle import Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.store import Store
from sandbox.vertex.wire.methods import Method, methods

SERVICES = (VectorSearchService, DataObjectService, DataObjectSearchService)
_PACKAGE = "google.cloud.vectorsearch.v1"


class Collections:
    """What answers the calls of Vector Search 2.0."""

    def __init__(self, store: Store, lifecycle: Lifecycle, reader: Reader, options: VertexOptions) -> None:
        resources, objects = Resources(store, lifecycle), DataObjects(store)
        self._services = (
            VectorSearchService(lifecycle, resources, objects, reader, options),
            DataObjectService(resources, objects),
            DataObjectSearchService(resources, objects),
        )

    def methods(self, begun: Collection[str]) -> dict[str, list[Method]]:
        """The methods by the full name of their service; `begun` start operations."""
        return {f"{_PACKAGE}.{type(each).__name__}": methods(each, v1, begun) for each in self._services}
