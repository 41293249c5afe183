"""The Elasticsearch stand-in as a server: a port on loopback, faults and the write log, and the cluster behind them."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

from sandbox.connections import Connections
from sandbox.doors import Door
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents import date_names
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.wire.front import Front, possible_faults, turned_away
from sandbox.faults import FaultQueue
from sandbox.http_server import HttpServer
from sandbox.write_log import WriteLog


class ElasticServer:
    """Serves a cluster over HTTP."""

    def __init__(self, state: Path, options: ElasticOptions, listener: socket.socket, api_key: str) -> None:
        self._faults = FaultQueue(state)
        self._cluster = Cluster(
            state, options, partial(self._faults.take, when="end"), is_secured=bool(api_key)
        )
        self._faults.serves(possible_faults(self._cluster.routes))
        self._writes = WriteLog(state, "elastic")
        connections = Connections()
        self._front = Front(
            self._cluster.routes,
            connections,
            release=self._cluster.release,
            api_key=api_key,
            identify=self._cluster.keys.caller,
            faults=self._faults,
            writes=self._writes,
            usage=self._cluster.usage,
            dated=date_names.resolved,
            ending=self._cluster.ending,
        )
        self._server = HttpServer(Door(self._front, turned_away), connections, listener, "elastic")

    def start(self) -> None:
        """Begin to answer requests."""
        self._cluster.start()
        self._server.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        self._cluster.ending.set()
        self._server.stop()
        self._front.close()
        self._cluster.close()
        self._faults.close()
        self._writes.close()
