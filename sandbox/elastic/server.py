"""The Elasticsearch stand-in as a server: a port on loopback, faults and the write log, and the cluster behind them."""

from __future__ import annotations

import socket
import threading
from functools import partial
from pathlib import Path

import uvicorn

from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.wire.front import Front, possible_faults, turned_away
from sandbox.faults import FaultQueue
from sandbox.write_log import WriteLog

_PATIENCE = 20.0


class ElasticServer:
    """Serves a cluster over HTTP."""

    def __init__(self, state: Path, options: ElasticOptions, port: int, api_key: str) -> None:
        # TCP by name, because asyncio disables Nagle's algorithm only on sockets that say so.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self._faults = FaultQueue(state)
        self._cluster = Cluster(state, options, partial(self._faults.take, when="end"))
        self._faults.serves(possible_faults(self._cluster.routes))
        self._writes = WriteLog(state, "elastic")
        connections = Connections()
        self._front = Front(
            self._cluster.routes,
            connections,
            release=self._cluster.release,
            api_key=api_key,
            faults=self._faults,
            writes=self._writes,
            ending=self._cluster.ending,
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                Door(self._front, turned_away),
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
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="elastic", daemon=True
        )

    def start(self) -> None:
        """Begin to answer requests."""
        self._cluster.start()
        self._socket.listen(1024)  # from here on connections are accepted, if not yet answered
        self._thread.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        self._cluster.ending.set()
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_PATIENCE)
        self._front.close()
        self._cluster.close()
        self._faults.close()
        self._writes.close()
