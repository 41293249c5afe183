"""The sandbox as one foreground process: storage, then Vertex, then the file that tells everybody where they are.

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

from sandbox import storage, tied, tls
from sandbox.announced import SandboxError, announcement, held, write
from sandbox.options import LOCATION, NETWORK, PROJECT, PROJECT_NUMBER, Options
from sandbox.vertex.errors import Refusal
from sandbox.vertex.server import Ports, VertexServer

_LOOK_EVERY = 0.5
_SERVICES = ("tls", "plaintext", "storage")


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
        ports = _ports(state)
        identity = tls.identity(state / "identity")
        try:
            bucket_server = storage.start(state / "storage", ports["storage"], state / "storage.log")
        except storage.StorageError as error:
            raise SandboxError(str(error)) from error
        storage_url = f"http://127.0.0.1:{ports['storage']}"
        try:
            server = _start_vertex(state, options, ports, identity, storage_url)
            write(file, {"pid": os.getpid(), "environment": _environment(ports, identity)})
            while not ended.wait(_LOOK_EVERY):
                if bucket_server.poll() is not None:
                    raise SandboxError(f"fake-gcs-server ended with code {bucket_server.returncode}.")
            server.stop()
        finally:
            file.unlink(missing_ok=True)
            tied.stop(bucket_server)


def _start_vertex(
    state: Path, options: Options, ports: dict[str, int], identity: tls.Identity, storage_url: str
) -> VertexServer:
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


def _ports(state: Path) -> dict[str, int]:
    """The ports of the earlier run on this folder, so that clients find it again; free ones the first time."""
    file = state / "ports.json"
    if file.exists():
        ports = json.loads(file.read_text())
        for service in _SERVICES:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", ports[service]))
                except OSError as error:
                    raise SandboxError(
                        f"Port {ports[service]}, which the sandbox on {state} had before, is taken. "
                        f"End what holds it, or remove {file} to get new ports."
                    ) from error
        return ports
    probes = {service: socket.socket() for service in _SERVICES}
    for probe in probes.values():
        probe.bind(("127.0.0.1", 0))
    ports = {service: int(probe.getsockname()[1]) for service, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    write(file, ports)
    return ports
