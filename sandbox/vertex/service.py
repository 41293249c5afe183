"""Vertex AI Vector Search and the Cloud Storage that it imports from, as one service of the sandbox.

The server is loaded when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from sandbox import storage, tied, tls
from sandbox.announced import SandboxError
from sandbox.keys import Keys
from sandbox.ports import Ports
from sandbox.service import Running, Service
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.project import LOCATION, NETWORK, PROJECT, PROJECT_NUMBER
from sandbox.vertex.service_account import service_account

_TLS, _PLAINTEXT, _STORAGE = "tls", "plaintext", "storage"


def _start(state: Path, options: VertexOptions, ports: Ports, _keys: Keys) -> Running:
    identity = tls.identity(state / "identity")
    account = service_account(state / "identity")
    storage_url = f"http://127.0.0.1:{ports[_STORAGE]}"
    ca = str(identity.ca.resolve())
    with ExitStack() as opened:
        ports.release(_STORAGE)
        try:
            bucket_server = storage.start(state / "storage", ports[_STORAGE], state / "storage.log")
        except storage.StorageError as error:
            raise SandboxError(str(error)) from error
        opened.callback(tied.stop, bucket_server)
        opened.callback(_serve(state, options, ports, identity, storage_url))
        stop = opened.pop_all().close

    def failure() -> str | None:
        code = bucket_server.poll()
        return None if code is None else f"fake-gcs-server ended with code {code}."

    return Running(
        environment={
            "VERTEX_API_ENDPOINT": f"localhost:{ports[_TLS]}",
            "VERTEX_PLAINTEXT_ENDPOINT": f"127.0.0.1:{ports[_PLAINTEXT]}",
            "VERTEX_CA_FILE": ca,
            "VERTEX_PROJECT": PROJECT,
            "VERTEX_PROJECT_NUMBER": PROJECT_NUMBER,
            "VERTEX_LOCATION": LOCATION,
            "VERTEX_NETWORK": NETWORK,
            "STORAGE_EMULATOR_HOST": storage_url,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": ca,
            "GOOGLE_APPLICATION_CREDENTIALS": str(account.resolve()),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        },
        stop=stop,
        failure=failure,
    )


def _serve(
    state: Path, options: VertexOptions, ports: Ports, identity: tls.Identity, storage_url: str
) -> Callable[[], None]:
    """Start the gRPC server; returns what stops it."""
    # gRPC and ScaNN take a second to load.
    from sandbox.vertex.errors import Refusal  # noqa: PLC0415
    from sandbox.vertex.server import Ports as ServerPorts  # noqa: PLC0415
    from sandbox.vertex.server import VertexServer  # noqa: PLC0415

    ports.release(_TLS, _PLAINTEXT)
    try:
        server = VertexServer(
            state, options, ServerPorts(ports[_TLS], ports[_PLAINTEXT]), identity, storage_url
        )
        server.start()
    except (RuntimeError, Refusal) as error:  # gRPC reports a port that it cannot bind as a RuntimeError
        raise SandboxError(f"The Vertex stand-in cannot start: {error}") from error
    return server.stop


def _coverage() -> Iterable[str]:
    from sandbox.vertex import coverage  # noqa: PLC0415 - loads the server and the official packages

    return coverage.lines()


VERTEX = Service(
    name="vertex",
    title="Vertex AI Vector Search and Cloud Storage",
    options=VertexOptions,
    prefix="",
    ports=(_TLS, _PLAINTEXT, _STORAGE),
    start=_start,
    coverage=_coverage,
)
