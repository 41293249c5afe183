"""The model server: a port on loopback, the door, faults and the write log, and the models behind them."""

from __future__ import annotations

import socket
from pathlib import Path

from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.faults import FaultQueue
from sandbox.http_server import HttpServer
from sandbox.model_server.chat import Generate
from sandbox.model_server.embeddings import Embed
from sandbox.model_server.front import Front, possible_faults, turned_away
from sandbox.model_server.options import ModelServerOptions
from sandbox.write_log import WriteLog


class ModelServer:
    """Serves the models over HTTP."""

    def __init__(
        self,
        state: Path,
        options: ModelServerOptions,
        listener: socket.socket,
        key: str,
        model: Embed,
        generate: Generate | None,
    ) -> None:
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "models")
        self._faults.serves(possible_faults())
        connections = Connections()
        front = Front(
            options, model, connections, key=key, faults=self._faults, writes=self._writes, generate=generate
        )
        self._server = HttpServer(Door(front, turned_away), connections, listener, "models")

    def start(self) -> None:
        """Begin to answer requests."""
        self._server.start()

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop()
        self._faults.close()
        self._writes.close()
