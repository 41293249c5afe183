"""The workspace as a server: one port on loopback, the door, faults and the write log, and the store behind them."""

from __future__ import annotations

import socket
from pathlib import Path

from sandbox.connections import Connections
from sandbox.databricks.calls import Handler
from sandbox.databricks.clock import Clock
from sandbox.databricks.endpoints import Endpoints
from sandbox.databricks.front import Front, possible_faults, turned_away
from sandbox.databricks.indexes import Indexes
from sandbox.databricks.managed import EmbeddedTexts
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.pipelines import Pipelines
from sandbox.databricks.rows import Rows
from sandbox.databricks.searches import Searches
from sandbox.databricks.serving import Serving, embedded
from sandbox.databricks.store import Store
from sandbox.databricks.tables.catalog import Catalog
from sandbox.databricks.tables.delta import Tables
from sandbox.databricks.tables.statements import Statements
from sandbox.databricks.tables.volumes import Volumes
from sandbox.databricks.tokens import Tokens
from sandbox.doors import Door
from sandbox.faults import FaultQueue
from sandbox.http_server import HttpServer
from sandbox.write_log import WriteLog

AT_END = {
    "vector_search_endpoints.create_endpoint": ("internal", "stall"),
    "vector_search_endpoints.delete_endpoint": ("stall",),
    "vector_search_indexes.create_index": ("internal", "stall"),
    "vector_search_indexes.delete_index": ("stall",),
    "vector_search_indexes.sync_index": ("internal", "stall"),
    "statement_execution.execute_statement": ("internal", "stall"),
    "vector_search_indexes.upsert_data_vector_index": ("aborted",),
    "vector_search_indexes.delete_data_vector_index": ("aborted",),
}
"""How what a call starts can end: it fails, or never ends; and of a request with rows that every second one of them fails."""


class DatabricksServer:
    """Serves a workspace over HTTP.

    Args:
        state: the folder.
        options: how it behaves.
        listener: a bound socket.
        key: what its tokens are made from; empty to let everybody in.
    """

    def __init__(self, state: Path, options: DatabricksOptions, listener: socket.socket, key: str) -> None:
        self._state = state
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._store = Store(state / "databricks.sqlite")
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "databricks")
        self.tokens = Tokens(key, self.url)
        self.handlers = self._handlers(options)
        self._faults.serves(possible_faults(self.handlers, AT_END))
        connections = Connections()
        front = Front(
            self.handlers, connections, users=self.tokens.user, faults=self._faults, writes=self._writes
        )
        self._server = HttpServer(Door(front, turned_away), connections, listener, "databricks")

    def start(self) -> None:
        """Begin to answer requests."""
        self._server.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        self._server.stop()
        for held in (self._store, self._faults, self._writes):
            held.close()

    def _handlers(self, options: DatabricksOptions) -> dict[str, Handler]:
        clock = Clock(options, self._faults)
        endpoints = Endpoints(self._store, clock, options)
        tables = Tables(self._store, self._state / "databricks-tables")
        volumes = Volumes(self._store, self._state / "databricks-files", Catalog.has_schema)
        serving = Serving(options.model_start, embedded)
        texts = EmbeddedTexts(self._store, serving)
        pipelines = Pipelines(self._store, clock, options, tables, texts)
        indexes = Indexes(self._store, clock, options, endpoints, pipelines, Catalog.has_schema, self.url)
        rooms = (
            self.tokens,
            serving,
            Catalog(),
            tables,
            volumes,
            Statements(self._store, clock, options, tables, volumes),
            endpoints,
            indexes,
            Rows(self._store, indexes, self._faults, options.write_delay),
            Searches(self._store, indexes, texts),
        )
        return {method: handler for room in rooms for method, handler in room.handlers.items()}
