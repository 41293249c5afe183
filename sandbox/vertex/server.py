"""The Vertex stand-in as a whole: one store, the services over it, and the two ports that they answer on.

Loopback only. The order matters: private servers open before operations advance, and close last.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
from google.cloud import aiplatform_v1 as v1
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2

from protos import match_service as container
from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.faults import FaultQueue
from sandbox.storage.reader import Reader
from sandbox.tls import Identity
from sandbox.vertex.collections.services import Collections
from sandbox.vertex.data.contents import Contents
from sandbox.vertex.matching.container_match import CONTAINER_SERVICES, ContainerMatchService
from sandbox.vertex.matching.jwt import check_token
from sandbox.vertex.matching.match import MatchService
from sandbox.vertex.matching.queries import Queries
from sandbox.vertex.operations.lifecycle import Lifecycle
from sandbox.vertex.operations.operations import OperationsService
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.resources.copies import Copies
from sandbox.vertex.resources.index_endpoints import IndexEndpointService
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.resources.locations import LocationsService
from sandbox.vertex.resources.producer import Producer
from sandbox.vertex.rest.answers import turned_away
from sandbox.vertex.rest.application import RestApplication
from sandbox.vertex.store import Store
from sandbox.vertex.tokens import Tokens
from sandbox.vertex.versions.conversion import in_version
from sandbox.vertex.versions.messages import VERSIONS, service_name
from sandbox.vertex.wire import grpc_front
from sandbox.vertex.wire.bearer import BearerToken
from sandbox.vertex.wire.calls import Calls
from sandbox.vertex.wire.grpc_front import MESSAGE_OPTIONS
from sandbox.vertex.wire.methods import Method, methods
from sandbox.vertex.wire.private_servers import PrivateServers
from sandbox.vertex.wire.shared_ports import SharedPort, SharedPorts
from sandbox.write_log import WriteLog

_THREADS = 32


@dataclass(frozen=True)
class Listeners:
    """Where the services answer: sockets that are bound."""

    tls: socket.socket
    plaintext: socket.socket


class VertexServer:
    """Everything of Vertex that is imitated."""

    def __init__(
        self,
        state: Path,
        options: VertexOptions,
        listeners: Listeners,
        identity: Identity,
        reader: Reader,
        is_peered: Callable[[str], bool],
        tokens: Tokens,
    ) -> None:
        self._store = Store(state / "vertex.sqlite")
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "vertex")
        self._calls = Calls(self._faults, self._writes)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="call")
        self._lifecycle = Lifecycle(self._store, options, self._faults)
        contents = Contents(self._store, options.upsert_delay)
        copies = Copies(self._store, contents, options.seconds(options.durations.sync))
        self._indexes = IndexService(self._store, self._lifecycle, contents, copies, reader, options)
        self._collections = Collections(self._store, self._lifecycle, reader, options)
        self._queries = Queries(self._indexes, copies, contents)
        self._private = PrivateServers(self._pool, self._container_handlers)
        self._endpoints = IndexEndpointService(
            self._store,
            self._lifecycle,
            self._indexes,
            copies,
            self._private,
            f"localhost:{listeners.tls.getsockname()[1]}",
            self._queries.prepare,
            is_peered,
            options,
        )
        self.producer = Producer(self._store, self._private)
        """What Compute Engine and Service Networking ask us."""
        self._server = grpc.server(
            self._pool,
            interceptors=[BearerToken(tokens)],
            options=(*MESSAGE_OPTIONS, ("grpc.so_reuseport", 0)),
        )
        services = self._services()
        self._calls.serves(method for served in services.values() for method in served)
        self._server.add_generic_rpc_handlers(
            [
                *(grpc_front.handlers(self._calls, name, served) for name, served in services.items()),
                grpc_front.EverythingElse(),
            ]
        )
        connections = Connections()
        rest = RestApplication(self._calls, services, self._pool, tokens, connections)
        self._ports = SharedPorts(Door(rest, turned_away), self._shared(listeners, identity), connections)

    def start(self) -> None:
        """Start to answer, and continue what an earlier run left unfinished."""
        self._endpoints.reopen()
        self._lifecycle.start()
        self._server.start()
        self._ports.start()

    def stop(self) -> None:
        """Stop at once; what was acknowledged is on disk."""
        self._ports.stop()
        self._server.stop(None)
        self._lifecycle.stop()
        self._private.close_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for held in (self._store, self._faults, self._writes):
            held.close()

    def _shared(self, listeners: Listeners, identity: Identity) -> list[SharedPort]:
        """The ports of clients, each with one of gRPC behind it."""
        grpc_tls = grpc.ssl_server_credentials(
            [(identity.key.read_bytes(), identity.certificate.read_bytes())]
        )
        http_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        http_tls.load_cert_chain(identity.certificate, identity.key)
        http_tls.set_alpn_protocols(["http/1.1"])
        return [
            SharedPort(listeners.tls, self._server.add_secure_port("127.0.0.1:0", grpc_tls), http_tls),
            SharedPort(listeners.plaintext, self._server.add_insecure_port("127.0.0.1:0")),
        ]

    def _services(self) -> dict[str, list[Method]]:
        """The methods that answer, by the full name of their service."""
        begun = self._lifecycle.methods
        versioned = {
            "IndexService": self._indexes,
            "IndexEndpointService": self._endpoints,
            "MatchService": MatchService(self._endpoints, self._queries),
        }
        services = {
            service_name(version, name): [in_version(each, version) for each in methods(service, v1, begun)]
            for name, service in versioned.items()
            for version in VERSIONS
        }
        services.update(self._collections.methods(begun))
        operations, locations = OperationsService(self._lifecycle), LocationsService()
        services["google.longrunning.Operations"] = methods(operations, operations_pb2)
        services["google.cloud.location.Locations"] = methods(locations, locations_pb2)
        return services

    def _container_handlers(self, deployed_index_id: str) -> list[grpc.GenericRpcHandler]:
        deployment = self._store.deployments.get(deployed_index_id)
        if deployment is None:
            raise LookupError(deployed_index_id)
        service = ContainerMatchService(
            deployed_index_id, partial(self._store.deployments.get, deployed_index_id), self._queries
        )
        config = v1.DeployedIndex.pb().FromString(deployment.message).deployed_index_auth_config
        provider = config.auth_provider if config.HasField("auth_provider") else None
        check = partial(check_token, provider) if provider else None
        served = methods(service, container)
        self._calls.serves(served)
        return [
            *(grpc_front.handlers(self._calls, name, served, check) for name in CONTAINER_SERVICES),
            grpc_front.EverythingElse(),
        ]
