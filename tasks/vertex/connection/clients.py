"""The official clients of one target, built once per process.

Steps take settings and build nothing themselves: clients as task arguments cannot be hashed or shown, settings can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import grpc
from google.api_core.operations_v1 import OperationsClient
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1, storage
from google.cloud.aiplatform_v1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.aiplatform_v1.services.match_service.transports import MatchServiceGrpcTransport

from tasks.lines import check_file
from tasks.vertex.connection.credentials import credentials
from tasks.vertex.settings import VertexSettings

CALL_SECONDS = 60.0
"""The deadline of one unary call. Vertex's creates and deploys answer with an operation in a few seconds."""

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Clients:
    """The clients of one target. Each is made at first use: a query needs no storage."""

    settings: VertexSettings

    @cached_property
    def indexes(self) -> aiplatform_v1.IndexServiceClient:
        """IndexService, over TLS."""
        if self._channel is not None:
            return aiplatform_v1.IndexServiceClient(
                transport=IndexServiceGrpcTransport(channel=self._channel)
            )
        return aiplatform_v1.IndexServiceClient(
            credentials=credentials(), client_options={"api_endpoint": self._regional_host}
        )

    @cached_property
    def endpoints(self) -> aiplatform_v1.IndexEndpointServiceClient:
        """IndexEndpointService, over TLS."""
        if self._channel is not None:
            transport = IndexEndpointServiceGrpcTransport(channel=self._channel)
            return aiplatform_v1.IndexEndpointServiceClient(transport=transport)
        return aiplatform_v1.IndexEndpointServiceClient(
            credentials=credentials(), client_options={"api_endpoint": self._regional_host}
        )

    @cached_property
    def operations(self) -> OperationsClient:
        """google.longrunning.Operations on IndexService's channel."""
        return self.indexes.transport.operations_client

    def matches(self, public_domain: str) -> aiplatform_v1.MatchServiceClient:
        """MatchService of a public endpoint, whose domain name is the host of its queries."""
        return _matches(self.settings, public_domain)

    @cached_property
    def storage(self) -> storage.Client:
        """Cloud Storage. A sandbox needs no credentials; an emulator variable in the shell never redirects the real target."""
        project = self.settings.project
        if self.settings.storage_endpoint is not None:
            options = {"api_endpoint": self.settings.storage_endpoint}
            return storage.Client(project=project, credentials=AnonymousCredentials(), client_options=options)
        return storage.Client(
            project=project,
            credentials=credentials(),
            client_options={"api_endpoint": "https://storage.googleapis.com"},
        )

    @property
    def _regional_host(self) -> str:
        return self.settings.api_endpoint or f"{self.settings.location}-aiplatform.googleapis.com"

    @cached_property
    def _channel(self) -> grpc.Channel | None:
        return own_channel(self.settings, self._regional_host)


def own_channel(settings: VertexSettings, host: str) -> grpc.Channel | None:
    """A channel to a sandbox, whose certificate authority is nobody else's; None where Google's clients make their own."""
    if settings.ca_file is None:
        return None
    check_file(settings.ca_file, source="VERTEX_CA_FILE")
    trust = grpc.ssl_channel_credentials(root_certificates=settings.ca_file.read_bytes())
    if settings.access_token is not None:
        token = grpc.access_token_call_credentials(settings.access_token.get_secret_value())
        trust = grpc.composite_channel_credentials(trust, token)
    return grpc.secure_channel(host, trust, options=_UNLIMITED)


@cache
def _matches(settings: VertexSettings, public_domain: str) -> aiplatform_v1.MatchServiceClient:
    channel = own_channel(settings, public_domain)
    if channel is not None:
        return aiplatform_v1.MatchServiceClient(transport=MatchServiceGrpcTransport(channel=channel))
    return aiplatform_v1.MatchServiceClient(
        credentials=credentials(), client_options={"api_endpoint": public_domain}
    )


@cache
def connect(settings: VertexSettings) -> Clients:
    """The clients of these settings, the same ones every time in this process."""
    return Clients(settings)
