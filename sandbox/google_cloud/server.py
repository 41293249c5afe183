"""The three APIs as a server: one port on loopback, the door, faults and the write log, and the store behind them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

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
from sandbox.http_server import HttpServer
from sandbox.write_log import WriteLog


class GoogleCloudServer:
    """Serves networks, connections and services of a state folder over HTTP."""

    def __init__(
        self,
        state: Path,
        listener: socket.socket,
        admits: Admits,
        *,
        clock_factor: float,
        peered: tuple[str, ...],
    ) -> None:
        """Make it; `start` begins to answer.

        Args:
            state: the folder.
            listener: a bound socket.
            admits: checks a token.
            clock_factor: nominal durations are divided by it.
            peered: the networks that exist and are peered from the start; with none, the APIs of networks are off too.
        """
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._store = Store(state / "google_cloud.sqlite")
        if self._store.is_new:
            _fill(self._store, peered)
        self._faults, self._writes = FaultQueue(state), WriteLog(state, "google-cloud")
        self._operations = Operations(self._store, self._faults, lambda nominal: nominal / clock_factor)
        self._services = Services(self._store, self._operations, clock_factor)
        self._admits = admits
        self._connect_again: Callable[[], None] = lambda: None
        self._server: HttpServer | None = None

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
        self._server = HttpServer(Door(front, turned_away), connections, self._listener, "google-cloud")
        self._server.start()

    def stop(self) -> None:
        """Stop at once; everything acknowledged is on disk."""
        if self._server:
            self._server.stop()
        self._listener.close()
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
