"""The storage stand-in as a server: a port on loopback, the door, faults and the write log, and the store behind them."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.faults import FaultQueue
from sandbox.http_server import HttpServer
from sandbox.storage.buckets import Buckets
from sandbox.storage.copies import Copies
from sandbox.storage.earlier import adopt
from sandbox.storage.objects import Objects
from sandbox.storage.reader import Reader
from sandbox.storage.store import Store
from sandbox.storage.uploads import Uploads
from sandbox.storage.wire.front import Front, possible_faults, turned_away
from sandbox.storage.wire.methods import Handler
from sandbox.write_log import WriteLog


class StorageServer:
    """Serves the buckets of a state folder over HTTP."""

    def __init__(self, state: Path, listener: socket.socket, key: str = "") -> None:
        """Make it; `start` begins to answer.

        Args:
            state: the folder.
            listener: a bound socket.
            key: the path that every request begins with; empty for none.
        """
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}{f'/{key}' if key else ''}"
        self._store = Store(state / "buckets")
        self.reader = Reader(self._store)
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "storage")
        self._ending = threading.Event()
        handlers = handlers_of(self._store)
        self._faults.serves(possible_faults(handlers))
        connections = Connections()
        front = Front(
            handlers, connections, key=key, faults=self._faults, writes=self._writes, ending=self._ending
        )
        self._server = HttpServer(Door(front, turned_away), connections, listener, "storage")

    def adopt(self, folder: Path, project: str) -> None:
        """Take over what an earlier version kept in a folder, for this project."""
        adopt(folder, self._store, project)

    def start(self) -> None:
        """Begin to answer requests."""
        self._server.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        self._ending.set()
        self._server.stop()
        for held in (self._store, self._faults, self._writes):
            held.close()


def handlers_of(store: Store) -> dict[str, Handler]:
    """What answers each method, by its id."""
    rooms = (Buckets(store), Objects(store), Uploads(store), Copies(store))
    return {method: handler for room in rooms for method, handler in room.handlers.items()}
