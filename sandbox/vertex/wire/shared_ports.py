"""Ports that speak gRPC and HTTP/1.1, as Google's do, so that one address serves clients of both.

gRPC binds its own ports and lets nobody hand it a connection. So a connection is accepted here and looked at; one of
gRPC is passed on to a port that gRPC has bound, unchanged, and the others are answered by an ASGI application.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from sandbox.connections import Connections
from sandbox.ports import listen
from sandbox.vertex.wire.first_bytes import is_grpc

_ENOUGH = 32 * 1024  # more than a ClientHello with the keys of post-quantum cryptography
_PATIENCE = 10.0
_LOOK = 0.01


@dataclass(frozen=True)
class SharedPort:
    """One port on loopback."""

    listener: socket.socket
    """A bound socket; it is closed at the end."""
    grpc_port: int
    """Where gRPC itself listens."""
    tls: ssl.SSLContext | None = None
    """For HTTP; gRPC brings its own."""


class SharedPorts:
    """The ports, served by a thread of their own."""

    def __init__(self, app: Any, ports: list[SharedPort], connections: Connections) -> None:
        """Make them; connections of HTTP are entered in `connections`."""
        self._config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._config.load()
        self._state = ServerState()
        self._http = connections.protocol()
        self._ports = ports
        for each in ports:
            each.listener.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="ports", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        for each in self._ports:
            listen(each.listener)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        for each in self._ports:
            each.listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for each in self._ports:
            self._keep(self._accept(each))
        self._loop.run_forever()

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, port: SharedPort) -> None:
        while True:
            try:
                connection, _ = await self._loop.sock_accept(port.listener)
            except OSError:  # too many open files, or a client that left at once
                await asyncio.sleep(_LOOK)
                continue
            connection.setblocking(False)
            self._keep(self._serve(connection, port))

    async def _serve(self, connection: socket.socket, port: SharedPort) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                grpc = await self._speaks_grpc(connection, tls=port.tls is not None)
            if grpc:
                await self._pass_on(connection, port.grpc_port)
            else:
                await self._loop.connect_accepted_socket(self._protocol, connection, ssl=port.tls)
        except (OSError, TimeoutError):  # among them every failure of a TLS handshake
            connection.close()

    async def _speaks_grpc(self, connection: socket.socket, *, tls: bool) -> bool:
        readable = asyncio.Event()
        self._loop.add_reader(connection, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(connection)
        while True:
            first = connection.recv(_ENOUGH, socket.MSG_PEEK)
            found = is_grpc(first, tls=tls) if first else False
            if found is not None:
                return found
            await asyncio.sleep(_LOOK)  # it stays readable, so the rest cannot be waited for

    async def _pass_on(self, connection: socket.socket, port: int) -> None:
        there, behind = await self._loop.create_connection(_Pipe, "127.0.0.1", port)
        there.pause_reading()
        here, front = await self._loop.connect_accepted_socket(_Pipe, connection)
        front.other, behind.other = there, here
        there.resume_reading()

    def _protocol(self) -> H11Protocol:
        return self._http(self._config, self._state, {}, self._loop)


class _Pipe(asyncio.Protocol):
    """One end of a connection that is passed on; what it receives goes to the other end."""

    other: Any = None

    def data_received(self, data: bytes) -> None:
        self.other.write(data)

    def pause_writing(self) -> None:
        self.other.pause_reading()

    def resume_writing(self) -> None:
        self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.other is not None:
            self.other.close()
