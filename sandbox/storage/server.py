"""The storage stand-in as a server: a port on loopback, the door, faults and the write log, and the store behind them."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import uvicorn

from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.faults import FaultQueue
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

_PATIENCE = 20.0


class StorageServer:
    """Serves the buckets of a state folder over HTTP."""

    def __init__(self, state: Path, port: int, key: str = "") -> None:
        """Bind the port.

        Args:
            state: the folder.
            port: on 127.0.0.1; 0 for a free one.
            key: the path that every request begins with; empty for none.

        Raises:
            OSError: the port is taken.
        """
        # TCP by name, because asyncio disables Nagle's algorithm only on sockets that say so.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{f'/{key}' if key else ''}"
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
        config = uvicorn.Config(
            Door(front, turned_away),
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
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="storage", daemon=True
        )

    def adopt(self, folder: Path, project: str) -> None:
        """Take over what an earlier version kept in a folder, for this project."""
        adopt(folder, self._store, project)

    def start(self) -> None:
        """Begin to answer requests."""
        self._socket.listen(1024)  # from here on connections are accepted, if not yet answered
        self._thread.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        self._ending.set()
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_PATIENCE)
        for held in (self._store, self._faults, self._writes):
            held.close()


def handlers_of(store: Store) -> dict[str, Handler]:
    """What answers each method, by its id."""
    rooms = (Buckets(store), Objects(store), Uploads(store), Copies(store))
    return {method: handler for room in rooms for method, handler in room.handlers.items()}
