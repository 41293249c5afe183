"""The sandbox as one foreground process: storage, Vertex, Elasticsearch, then the file that tells where they are.

The file is written last and whole, so whoever waits for it can use what it names at once.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import storage, tied, tls
from sandbox.announced import SandboxError, announcement, held, write
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.server import ElasticServer
from sandbox.options import LOCATION, NETWORK, PROJECT, PROJECT_NUMBER, Options

if TYPE_CHECKING:
    from sandbox.vertex.server import VertexServer

_LOOK_EVERY = 0.5
_SERVICES = ("tls", "plaintext", "storage", "elastic")


def run(state: Path, options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SandboxError: the folder is in use, a port is taken, or storage fails.
    """
    # Rows are many small objects that stay: looking for garbage among them would take half of an import's time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with held(state):
        _set_native_messages_aside(state / "native.log")
        file = announcement(state)
        file.unlink(missing_ok=True)
        ports = _Ports(state)
        elastic = _start_elastic(state, options.elastic, ports) if options.elastic else None
        try:
            if options.vertex:
                _serve_vertex(state, options, ports, ended)
            else:
                write(file, {"pid": os.getpid(), "environment": _elastic_environment(options, ports)})
                ended.wait()
        finally:
            file.unlink(missing_ok=True)
            if elastic:
                elastic.stop()
            ports.release()


def _serve_vertex(state: Path, options: Options, ports: _Ports, ended: threading.Event) -> None:
    identity = tls.identity(state / "identity")
    ports.release("storage")
    try:
        bucket_server = storage.start(state / "storage", ports["storage"], state / "storage.log")
    except storage.StorageError as error:
        raise SandboxError(str(error)) from error
    storage_url = f"http://127.0.0.1:{ports['storage']}"
    try:
        server = _start_vertex(state, options, ports, identity, storage_url)
        environment = {**_environment(ports, identity), **_elastic_environment(options, ports)}
        write(announcement(state), {"pid": os.getpid(), "environment": environment})
        while not ended.wait(_LOOK_EVERY):
            if bucket_server.poll() is not None:
                raise SandboxError(f"fake-gcs-server ended with code {bucket_server.returncode}.")
        server.stop()
    finally:
        tied.stop(bucket_server)


def _start_elastic(state: Path, options: ElasticOptions, ports: _Ports) -> ElasticServer:
    ports.release("elastic")
    try:
        server = ElasticServer(state, options, ports["elastic"])
    except OSError as error:
        raise SandboxError(f"The Elasticsearch stand-in cannot start: {error}") from error
    server.start()
    return server


def _start_vertex(
    state: Path, options: Options, ports: _Ports, identity: tls.Identity, storage_url: str
) -> VertexServer:
    # Here, since gRPC and ScaNN take a second to load, which is saved without Vertex.
    from sandbox.vertex.errors import Refusal  # noqa: PLC0415
    from sandbox.vertex.server import Ports, VertexServer  # noqa: PLC0415

    ports.release("tls", "plaintext")
    try:
        server = VertexServer(state, options, Ports(ports["tls"], ports["plaintext"]), identity, storage_url)
        server.start()
    except (RuntimeError, Refusal) as error:  # gRPC reports a port that it cannot bind as a RuntimeError
        raise SandboxError(f"The Vertex stand-in cannot start: {error}") from error
    return server


def _set_native_messages_aside(file: Path) -> None:
    """ScaNN and gRPC chat on file descriptor 2; what is ours to say still goes to the terminal."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with file.open("ab") as log:
        os.dup2(log.fileno(), 2)


def _environment(ports: dict[str, int], identity: tls.Identity) -> dict[str, str]:
    ca = str(identity.ca.resolve())
    return {
        "VERTEX_API_ENDPOINT": f"localhost:{ports['tls']}",
        "VERTEX_PLAINTEXT_ENDPOINT": f"127.0.0.1:{ports['plaintext']}",
        "VERTEX_CA_FILE": ca,
        "VERTEX_PROJECT": PROJECT,
        "VERTEX_PROJECT_NUMBER": PROJECT_NUMBER,
        "VERTEX_LOCATION": LOCATION,
        "VERTEX_NETWORK": NETWORK,
        "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{ports['storage']}",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": ca,
        "GOOGLE_APPLICATION_CREDENTIALS": str(identity.service_account.resolve()),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
    }


def _elastic_environment(options: Options, ports: dict[str, int]) -> dict[str, str]:
    if not options.elastic:
        return {}
    key = {"ELASTIC_API_KEY": options.elastic.api_key} if options.elastic.api_key else {}
    return {"ELASTIC_URL": f"http://127.0.0.1:{ports['elastic']}", **key}


class _Ports(dict[str, int]):
    """The ports of the earlier run on this folder, so that clients find it again; free ones the first time.

    Each is held until its server is about to bind it, which may be seconds later: so long nobody else is given it.

    Raises:
        SandboxError: somebody has taken one meanwhile.
    """

    def __init__(self, state: Path) -> None:
        file = state / "ports.json"
        super().__init__(json.loads(file.read_text()) if file.exists() else {})
        self._probes = {service: socket.socket() for service in _SERVICES}
        for service, probe in self._probes.items():
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.get(service, 0)))
            except OSError as error:
                raise SandboxError(
                    f"Port {self[service]}, which the sandbox on {state} had before, is taken. "
                    f"End what holds it, or remove {file} to get new ports."
                ) from error
            self[service] = int(probe.getsockname()[1])
        write(file, self)

    def release(self, *services: str) -> None:
        """Let the ports of these services go, or of all."""
        for service in services or _SERVICES:
            self._probes[service].close()
