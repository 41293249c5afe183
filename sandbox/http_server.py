"""An ASGI application on a port of its own, in a thread: what every stand-in that speaks HTTP is served by."""

from __future__ import annotations

import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from sandbox.connections import Connections
from sandbox.ports import listen

_PATIENCE = 20.0


class HttpServer:
    """Serves an application.

    Args:
        app: what answers.
        connections: where open connections are entered.
        listener: a bound socket (`sandbox.ports`); it is closed at the end.
        name: of the thread.
    """

    def __init__(self, app: ASGIApp, connections: Connections, listener: socket.socket, name: str) -> None:
        self._listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=connections.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # X-Forwarded-For would hide whose connection a fault resets
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name=name, daemon=True)

    def start(self) -> None:
        """Begin to answer requests."""
        listen(self._listener)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once."""
        if self._thread.is_alive():
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(_PATIENCE)
        self._listener.close()
