"""The official clients of Vector Search 2.0, built once per process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import grpc
from google.api_core.operations_v1 import OperationsClient
from google.cloud import vectorsearch_v1 as v1

from tasks.vertex.connection.clients import own_channel
from tasks.vertex.connection.credentials import credentials
from tasks.vertex.settings import VertexSettings

HOST = "vectorsearch.googleapis.com"
"""Google's own, for every location."""
API = HOST
"""What a project must have enabled."""


@dataclass(frozen=True)
class Clients:
    """The clients of one target, on one channel in a sandbox."""

    settings: VertexSettings

    @cached_property
    def collections(self) -> v1.VectorSearchServiceClient:
        """VectorSearchService: collections, indexes, imports."""
        return self._made(v1.VectorSearchServiceClient)

    @cached_property
    def data_objects(self) -> v1.DataObjectServiceClient:
        """DataObjectService: data objects, alone and in batches."""
        return self._made(v1.DataObjectServiceClient)

    @cached_property
    def searches(self) -> v1.DataObjectSearchServiceClient:
        """DataObjectSearchService: searches, queries and counts."""
        return self._made(v1.DataObjectSearchServiceClient)

    @cached_property
    def operations(self) -> OperationsClient:
        """google.longrunning.Operations on VectorSearchService's channel."""
        return self.collections.transport.operations_client

    @property
    def _host(self) -> str:
        return self.settings.collections_endpoint or HOST

    @cached_property
    def _channel(self) -> grpc.Channel | None:
        return own_channel(self.settings, self._host)

    def _made(self, client: Any) -> Any:
        if self._channel is not None:
            return client(transport=client.get_transport_class("grpc")(channel=self._channel))
        return client(credentials=credentials(), client_options={"api_endpoint": self._host})


@cache
def connect(settings: VertexSettings) -> Clients:
    """The clients of these settings, the same ones every time in this process."""
    return Clients(settings)
