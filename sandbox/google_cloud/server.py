"""The three APIs as a server: one port on loopback, the door, faults and the write log, and the store behind them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from sandbox.connections import Connections as OpenConnections
from sandbox.doors import Door
from sandbox.faults import FaultQueue
from sandbox.google_cloud.calls import Call, Handler, Reply
from sandbox.google_cloud.compute import API as COMPUTE
from sandbox.google_cloud.compute import Compute
from sandbox.google_cloud.connections import API as NETWORKING
from sandbox.google_cloud.connections import Connections, Producers, is_peered, put_connection, shown
from sandbox.google_cloud.errors import NOT_FOUND
from sandbox.google_cloud.front import Admits, Front, possible_faults, turned_away
from sandbox.google_cloud.names import url
from sandbox.google_cloud.operations import Operations
from sandbox.google_cloud.project import PROJECT_NUMBER
from sandbox.google_cloud.resources import subnetwork_of
from sandbox.google_cloud.services import Services, put_enabled
from sandbox.google_cloud.store import Store
from sandbox.write_log import WriteLog

_PATIENCE = 20.0


class GoogleCloudServer:
    """Serves networks, connections and services of a state folder over HTTP."""

    def __init__(
        self, state: Path, port: int, admits: Admits, *, clock_factor: float, peered: tuple[str, ...]
    ) -> None:
        """Bind the port.

        Args:
            state: the folder.
            port: on 127.0.0.1; 0 for a free one.
            admits: checks a token.
            clock_factor: nominal durations are divided by it.
            peered: the networks that exist and are peered from the start; with none, the APIs of networks are off too.

        Raises:
            OSError: the port is taken.
        """
        # TCP by name, because asyncio disables Nagle's algorithm only on sockets that say so.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._store = Store(state / "google_cloud.sqlite")
        if self._store.is_new:
            _fill(self._store, peered)
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "google-cloud")
        self._operations = Operations(self._store, self._faults, lambda nominal: nominal / clock_factor)
        self._services = Services(self._store, self._operations, clock_factor)
        self._admits = admits
        self._connect_again: Callable[[], None] = lambda: None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, producers: Producers) -> None:
        """Begin to answer requests.

        Args:
            producers: the services that private connections lead to.
        """
        handlers = self.handlers(producers)
        self._faults.serves(possible_faults(handlers, self._operations.methods))
        connections = OpenConnections()
        front = Front(
            handlers,
            connections,
            admits=self._admits,
            guard=self._guard,
            faults=self._faults,
            writes=self._writes,
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
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._socket.listen(1024)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="google-cloud", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(_PATIENCE)
        for held in (self._store, self._faults, self._writes):
            held.close()

    def is_peered(self, network: str) -> bool:
        """Whether a network, named with the project's number, has a connection to Google's services."""
        self._operations.settle()
        return is_peered(self._store, network)

    def _guard(self, api: str) -> None:
        self._operations.settle()
        if api in (COMPUTE, NETWORKING):
            self._services.refuse_if_disabled(api)

    def connect_again(self) -> None:
        """Answer again at the addresses of the forwarding rules, once the services behind them answer."""
        self._connect_again()

    def handlers(self, producers: Producers) -> dict[str, Handler]:
        """What answers each method, by its id."""
        compute = Compute(self._store, self._operations, producers)
        self._connect_again = compute.connect_again
        rooms = (compute, Connections(self._store, self._operations, producers), self._services)
        found = {method: handler for room in rooms for method, handler in room.handlers.items()}
        return found | {"operations.get": self._get_operation}

    def _get_operation(self, call: Call) -> Reply:
        found = self._operations.find(f"operations/{call.params['operation']}")
        if found is None:
            raise NOT_FOUND.refusal(name=f"operations/{call.params['operation']}")
        return Reply(shown(found))


def _fill(store: Store, peered: tuple[str, ...]) -> None:
    """What is there from the start."""
    with store.transaction():
        put_enabled(store, "aiplatform.googleapis.com", "storage.googleapis.com")
        if peered:
            put_enabled(store, COMPUTE, NETWORKING)
        for number, name in enumerate(peered):
            path, address = f"global/networks/{name}", f"global/addresses/{name}-range"
            store.put(
                path,
                {
                    "kind": "compute#network",
                    "id": str(number + 1),
                    "name": name,
                    "autoCreateSubnetworks": True,
                    "routingConfig": {"routingMode": "REGIONAL"},
                    "selfLink": url(path),
                },
            )
            store.put(*subnetwork_of(name))
            store.put(
                address,
                {
                    "kind": "compute#address",
                    "id": str(number + 1),
                    "name": f"{name}-range",
                    "addressType": "INTERNAL",
                    "purpose": "VPC_PEERING",
                    "prefixLength": 16,
                    "address": f"10.{100 + number}.0.0",
                    "status": "RESERVED",
                    "network": url(path),
                    "selfLink": url(address),
                },
            )
            put_connection(store, f"projects/{PROJECT_NUMBER}/{path}", [f"{name}-range"])
