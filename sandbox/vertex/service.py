"""Vertex AI Vector Search, the Cloud Storage that it imports from, and the networks that it serves in, as one service.

The server is loaded when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import tls
from sandbox.announced import SandboxError
from sandbox.google_cloud.project import LOCATION, NETWORK, PROJECT, PROJECT_NUMBER
from sandbox.keys import Keys
from sandbox.ports import Ports
from sandbox.service import Running, Service
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.service_account import service_account

if TYPE_CHECKING:
    from sandbox.google_cloud.server import GoogleCloudServer
    from sandbox.storage.reader import Reader
    from sandbox.storage.server import StorageServer
    from sandbox.vertex.tokens import Tokens

_TLS, _PLAINTEXT, _STORAGE, _NETWORKS = "tls", "plaintext", "storage", "networks"


def _start(state: Path, options: VertexOptions, ports: Ports, keys: Keys) -> Running:
    identity = tls.identity(state / "identity")
    account = service_account(state / "identity")
    token = keys.of("vertex")
    ca, bundle = str(identity.ca.resolve()), str(tls.with_public_roots(identity).resolve())
    with ExitStack() as opened:
        storage = _storage(state, ports, keys)
        opened.callback(storage.stop)
        tokens = _tokens(token, account)
        networks = _networks(state, options, ports, tokens)
        opened.callback(networks.stop)
        opened.callback(_serve(state, options, ports, identity, storage.reader, networks, tokens))
        stop = opened.pop_all().close

    return Running(
        environment={
            "VERTEX_API_ENDPOINT": f"localhost:{ports[_TLS]}",
            "VERTEX_PLAINTEXT_ENDPOINT": f"127.0.0.1:{ports[_PLAINTEXT]}",
            "VECTORSEARCH_API_ENDPOINT": f"localhost:{ports[_TLS]}",
            **({"VERTEX_ACCESS_TOKEN": token} if token else {}),
            "VERTEX_CA_FILE": ca,
            "VERTEX_PROJECT": PROJECT,
            "VERTEX_PROJECT_NUMBER": PROJECT_NUMBER,
            "VERTEX_LOCATION": LOCATION,
            "VERTEX_NETWORK": NETWORK,
            "VERTEX_NETWORKS_ENDPOINT": networks.url,
            "STORAGE_EMULATOR_HOST": storage.url,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": ca,
            "REQUESTS_CA_BUNDLE": bundle,
            "CURL_CA_BUNDLE": bundle,
            "GOOGLE_APPLICATION_CREDENTIALS": str(account.resolve()),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        },
        stop=stop,
    )


def _storage(state: Path, ports: Ports, keys: Keys) -> StorageServer:
    """Start Cloud Storage."""
    from sandbox.storage.server import StorageServer  # noqa: PLC0415

    try:
        server = StorageServer(state, ports.take(_STORAGE), keys.of(_STORAGE))
    except OSError as error:
        raise SandboxError(f"The storage stand-in cannot start: {error}") from error
    server.adopt(state / "storage", PROJECT)
    server.start()
    return server


def _tokens(token: str, account: Path) -> Tokens:
    """What is accepted: a token, and those of a service account."""
    from sandbox.vertex.tokens import Tokens  # noqa: PLC0415

    return Tokens(token, account)


def _networks(state: Path, options: VertexOptions, ports: Ports, tokens: Tokens) -> GoogleCloudServer:
    """Make Compute Engine, Service Networking and Service Usage."""
    from sandbox.google_cloud.server import GoogleCloudServer  # noqa: PLC0415

    peered = tuple(filter(None, options.peered_networks.split(",")))
    try:
        return GoogleCloudServer(
            state, ports.take(_NETWORKS), tokens.admits, clock_factor=options.clock_factor, peered=peered
        )
    except OSError as error:
        raise SandboxError(f"The stand-in of networks cannot start: {error}") from error


def _serve(
    state: Path,
    options: VertexOptions,
    ports: Ports,
    identity: tls.Identity,
    reader: Reader,
    networks: GoogleCloudServer,
    tokens: Tokens,
) -> Callable[[], None]:
    """Start the gRPC server; returns what stops it."""
    # gRPC and ScaNN take a second to load.
    from sandbox.vertex.errors import Refusal  # noqa: PLC0415
    from sandbox.vertex.server import Listeners, VertexServer  # noqa: PLC0415

    try:
        server = VertexServer(
            state,
            options,
            Listeners(ports.take(_TLS), ports.take(_PLAINTEXT)),
            identity,
            reader,
            networks.is_peered,
            tokens,
        )
        networks.start(server.producer)
        server.start()
        networks.connect_again()
    except (OSError, RuntimeError, Refusal) as error:  # RuntimeError: gRPC cannot bind a port
        raise SandboxError(f"The Vertex stand-in cannot start: {error}") from error
    return server.stop


def _coverage() -> Iterable[str]:
    from sandbox.vertex import coverage  # noqa: PLC0415 - loads the server and the official packages

    return coverage.lines()


VERTEX = Service(
    name="vertex",
    title="Vertex AI Vector Search, Cloud Storage and networks",
    options=VertexOptions,
    prefix="",
    ports=(_TLS, _PLAINTEXT, _STORAGE, _NETWORKS),
    start=_start,
    coverage=_coverage,
)
