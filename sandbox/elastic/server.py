"""The Elasticsearch stand-in as a whole: its parts, the routes that they bring, and the port that they answer on.

Loopback only. A part is a module with `ROUTES` and, if it has something that lives, `attach` and `detach`.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import ModuleType

import uvicorn

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents import api as document_api
from sandbox.elastic.documents import bulk_api
from sandbox.elastic.indices import alias_api
from sandbox.elastic.indices import api as index_api
from sandbox.elastic.ml import ml
from sandbox.elastic.nodes import information_api as information
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.search import api as search_api
from sandbox.elastic.search import template_api
from sandbox.elastic.wire.connections import Connections
from sandbox.elastic.wire.front import Front
from sandbox.elastic.wire.routing import Routes

PARTS: tuple[ModuleType, ...] = (
    index_api,
    alias_api,
    document_api,
    bulk_api,
    search_api,
    template_api,
    information,
    ml,
)
_PATIENCE = 20.0


def routes() -> Routes:
    """What all the parts answer."""
    return Routes(route for part in PARTS for route in part.ROUTES)


class ElasticServer:
    """Everything of Elasticsearch that is imitated."""

    def __init__(self, state: Path, options: ElasticOptions, port: int) -> None:
        # Named, since asyncio switches Nagle's delays off only where it reads TCP.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self.cluster = Cluster(state, options)
        answered, connections = routes(), Connections()
        self.cluster.faults.serves(route.api for route in answered.all)
        self._front = Front(self.cluster, answered, connections)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._front,
                http=connections.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="elastic", daemon=True
        )

    def start(self) -> None:
        """Answer."""
        for part in PARTS:
            if hasattr(part, "attach"):
                part.attach(self.cluster)
        self.cluster.searchers.start()
        self._socket.listen(1024)  # from here on connections are taken, if not yet answered
        self._thread.start()

    def stop(self) -> None:
        """Stop at once; what was acknowledged is on disk."""
        self.cluster.ending.set()
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_PATIENCE)
        self._front.close()
        for part in reversed(PARTS):
            if hasattr(part, "detach"):
                part.detach(self.cluster)
        self.cluster.close()
