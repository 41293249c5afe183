"""Service Networking: private connections between a network and Google's services, each made of a peering."""

from __future__ import annotations

from typing import Protocol

from sandbox.google_cloud import errors
from sandbox.google_cloud.calls import Call, Handler, Reply
from sandbox.google_cloud.names import url
from sandbox.google_cloud.operations import Operations
from sandbox.google_cloud.project import PROJECT_NUMBER
from sandbox.google_cloud.store import Body, Operation, Store

API = "servicenetworking.googleapis.com"
PEERING = "servicenetworking-googleapis-com"
_FOLDER = "connections/"
_CONNECT_SECONDS = 60.0
_UPDATE, _CREATE, _DELETE = (
    f"servicenetworking.services.connections.{verb}" for verb in ("patch", "create", "deleteConnection")
)


class Producers(Protocol):
    """The services at the other end, as the stand-in of Vertex AI is one."""

    def users(self, network: str) -> list[str]:
        """What a service has in this network, by name; the network's name has the project's number."""
        ...

    def status(self, attachment: str) -> str:
        """Whether our project may connect to a service attachment: ACCEPTED, REJECTED, CLOSED."""
        ...

    def connect(self, attachment: str, address: str) -> None:
        """Answer at an address what is sent to a service attachment, if it is accepted."""
        ...

    def disconnect(self, attachment: str, address: str) -> None:
        """Stop to answer there."""
        ...


class Connections:
    """The handlers, by the methods' ids."""

    def __init__(self, store: Store, operations: Operations, producers: Producers) -> None:
        self._store, self._operations, self._producers = store, operations, producers
        self.handlers: dict[str, Handler] = {
            "servicenetworking.services.connections.list": self._list,
            _CREATE: self._create,
            _UPDATE: self._patch,
            _DELETE: self._delete,
        }
        operations.register(_CREATE, self._connected)
        operations.register(_UPDATE, self._connected)
        operations.register(_DELETE, self._disconnected)

    def _list(self, call: Call) -> Reply:
        network = self._network(call.asked("network"))
        found = self._store.get(_FOLDER + network)
        return Reply({"connections": [found]} if found else {})

    def _create(self, call: Call) -> Reply:
        network = self._network(call.body.get("network"))
        ranges = self._ranges(network, call.body)
        there = self._store.get(_FOLDER + network)
        if there and ranges and sorted(there["reservedPeeringRanges"]) != sorted(ranges):
            raise errors.USE_UPDATE.refusal()
        return self._begin(_CREATE, network, ranges or (there or {}).get("reservedPeeringRanges", []))

    def _patch(self, call: Call) -> Reply:
        network = self._network(call.body.get("network"))
        ranges = self._ranges(network, call.body)
        if self._store.get(_FOLDER + network) is None:
            raise errors.NOT_FOUND.refusal(name=f"connection of {network}")
        return self._begin(_UPDATE, network, ranges)

    def _delete(self, call: Call) -> Reply:
        network = self._network(call.body.get("consumerNetwork"))
        if self._store.get(_FOLDER + network) is None:
            raise errors.NOT_FOUND.refusal(name=f"connection of {network}")
        return self._begin(_DELETE, network, [])

    def _begin(self, method: str, network: str, ranges: list[str]) -> Reply:
        target = _FOLDER + network
        operation = self._operations.begin(
            method,
            target,
            {"network": network, "reservedPeeringRanges": ranges},
            _CONNECT_SECONDS,
            prefix=f"operations/pssn.p24-{PROJECT_NUMBER}-",
        )
        return Reply(shown(operation), changed=network)

    def _connected(self, operation: Operation) -> Body:
        connection = {**operation.request, "peering": PEERING, "service": f"services/{API}"}
        self._store.put(operation.target, connection)
        return {"@type": "type.googleapis.com/google.cloud.servicenetworking.v1.Connection", **connection}

    def _disconnected(self, operation: Operation) -> Body:
        if users := self._producers.users(str(operation.request["network"])):
            raise errors.STILL_USED.refusal(users=", ".join(users))
        self._store.delete(operation.target)
        return {"@type": "type.googleapis.com/google.protobuf.Empty"}

    def _network(self, name: object) -> str:
        """A network's name, which has the project's number."""
        begin, found = f"projects/{PROJECT_NUMBER}/", str(name)
        if not found.startswith(f"{begin}global/networks/"):
            problem = "Expected projects/NUMBER/global/networks/NAME with the project's number."
            raise errors.INVALID.refusal(field="network", value=name, problem=problem)
        if self._store.get(found.removeprefix(begin)) is None:
            raise errors.NOT_FOUND.refusal(name=found)
        return found

    def _ranges(self, network: str, body: Body) -> list[str]:
        ranges: list[str] = body.get("reservedPeeringRanges", [])
        link = url(network.removeprefix(f"projects/{PROJECT_NUMBER}/"))
        for name in ranges:
            found = self._store.get(f"global/addresses/{name}")
            if found is None or found["network"] != link:
                problem = f"There is no range of this name for VPC_PEERING in {network}."
                raise errors.INVALID.refusal(field="reservedPeeringRanges", value=name, problem=problem)
        return ranges


def peerings(store: Store, path: str) -> list[Body]:
    """The peerings that a network shows, by its path below the project."""
    if store.get(f"{_FOLDER}projects/{PROJECT_NUMBER}/{path}") is None:
        return []
    other = (
        "https://www.googleapis.com/compute/v1/projects/sandbox-producer/global/networks/servicenetworking"
    )
    return [{"name": PEERING, "network": other, "state": "ACTIVE", "stateDetails": "[sandbox]: Connected."}]


def put_connection(store: Store, network: str, ranges: list[str]) -> None:
    """Store a connection that is there from the start; the network's name has the project's number."""
    body = {
        "network": network,
        "reservedPeeringRanges": ranges,
        "peering": PEERING,
        "service": f"services/{API}",
    }
    store.put(_FOLDER + network, body)


def is_peered(store: Store, network: str) -> bool:
    """Whether a network has a connection."""
    return store.get(_FOLDER + network) is not None


def shown(operation: Operation) -> Body:
    """An operation as google.longrunning shows it, of Service Networking and of Service Usage."""
    found: Body = {"name": operation.id}
    if operation.done:
        found["done"] = True
    if operation.done and operation.error:
        found["error"] = {"code": operation.error["code"], "message": operation.error["message"]}
    elif operation.done:
        found["response"] = operation.response
    return found
