"""The private connection between a network and Google's services, by the REST API of Service Networking.

A connection bears no mark of its own. It is ours if the network is, or if every range that it was given is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound
from tasks.outcomes import Ensured
from tasks.steps import step
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.connection.google_rest import read_document, send_document
from tasks.vertex.network.clients import connect_networks
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look, wait_until

SERVICE = "servicenetworking.googleapis.com"


@dataclass(frozen=True)
class Connection:
    """A private connection as it was read."""

    ranges: tuple[str, ...]
    """The names of the ranges that Google's services may use."""
    peering: str


@step("read the private connection of {network}")
def read_connection(settings: VertexSettings, network: str) -> Connection | None:
    """The connection of a network, named with the project's number; None if there is none, or no such network."""
    try:
        found = read_document(
            connect_networks(settings).session, _url(settings), f"read the connections of {network}",
            {"network": network},
        )  # fmt: skip
    except NotFound:
        return None
    for one in found.get("connections", []):
        return Connection(tuple(one.get("reservedPeeringRanges", ())), one.get("peering", ""))
    return None


@step("ensure private connection of {network}")
def ensure_connection(
    settings: VertexSettings, network: str, range_name: str, deadline: Deadline
) -> Ensured[Connection]:
    """The connection of a network, with a range of ours among those that it was given before.

    Args:
        settings: the target.
        network: projects/NUMBER/global/networks/NAME, with the project's number.
        range_name: the name of the range.
        deadline: when to give up.

    Raises:
        OperationFailed: the service could not connect them.
    """
    there = read_connection.fn(settings, network)
    if there is not None and range_name in there.ranges:
        return Ensured(there)
    doing = f"connect {network}"
    body: dict[str, Any] = {"network": network, "reservedPeeringRanges": [range_name]}
    if there is None:
        operation = _send(settings, "POST", "", doing, body)
    else:
        operation = _update(settings, network, (*there.ranges, range_name), doing)
    _follow(settings, operation, doing, deadline)
    made = read_connection.fn(settings, network)
    return Ensured(made or Connection((range_name,), ""), "created" if there is None else "changed")


@step("remove private connection of {network}")
def remove_connection(
    settings: VertexSettings, network: str, ranges: tuple[str, ...], deadline: Deadline
) -> tuple[str, ...]:
    """Take our ranges from a connection, and remove it if no others are left. Returns the ranges that went.

    Raises:
        OperationFailed: a service still uses it, which the message names.
    """
    there = read_connection.fn(settings, network)
    if there is None or not set(there.ranges) & set(ranges):
        return ()
    rest = tuple(one for one in there.ranges if one not in ranges)
    doing = f"disconnect {network}"
    if rest:
        operation = _update(settings, network, rest, doing)
    else:
        try:
            operation = _send(settings, "POST", f"/{there.peering}", doing, {"consumerNetwork": network})
        except NotFound:
            return ()
    _follow(settings, operation, doing, deadline)
    return tuple(one for one in there.ranges if one in ranges)


def _update(settings: VertexSettings, network: str, ranges: tuple[str, ...], doing: str) -> dict[str, Any]:
    body: dict[str, Any] = {"network": network, "reservedPeeringRanges": list(ranges)}
    parameters = {"updateMask": "reservedPeeringRanges", "force": "true"}
    return _send(settings, "PATCH", "/-", doing, body, parameters)


def _url(settings: VertexSettings) -> str:
    base = connect_networks(settings).addresses_of_services.service_networking
    return f"{base}/v1/services/{SERVICE}/connections"


def _send(
    settings: VertexSettings, verb: str, path: str, doing: str, body: dict[str, Any],
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    session = connect_networks(settings).session
    return send_document(session, verb, _url(settings) + path, doing, body, parameters)


def _follow(settings: VertexSettings, operation: dict[str, Any], doing: str, deadline: Deadline) -> None:
    clients = connect_networks(settings)
    url = f"{clients.addresses_of_services.service_networking}/v1/{operation['name']}"

    def look() -> Look[dict[str, Any]]:
        found = read_document(clients.session, url, f"read the operation {operation['name']}")
        return Look("done" if found.get("done") else "running", found, done=bool(found.get("done")))

    ended = wait_until(doing, look, deadline)
    if "error" in ended:
        error = ended["error"]
        raise OperationFailed(
            doing,
            operation=operation["name"],
            code=int(error.get("code", 2)),
            said=str(error.get("message", "")),
        )
