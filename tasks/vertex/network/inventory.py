"""What of a network bears our mark: what a teardown removes, the proof that nothing is left, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.errors import PermanentError
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.network.compute import list_ours, unfinished
from tasks.vertex.network.peering import read_connection
from tasks.vertex.network.private_service_connect import ADDRESSES, RULES
from tasks.vertex.network.vpc import FIREWALLS, NETWORKS, RANGES, last
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look, wait_until


@dataclass(frozen=True, kw_only=True)
class NetworkInventory:
    """What was made under a name."""

    forwarding_rules: tuple[str, ...]
    addresses: tuple[str, ...]
    networks: tuple[str, ...]
    firewall_rules: tuple[str, ...]
    ranges: tuple[str, ...]
    connections: tuple[str, ...]
    """The networks, named with the project's number, whose connection uses a range of ours."""
    endpoints: tuple[str, ...]
    """The index endpoints in those networks, whoever made them: the service keeps a connection for them."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not any(
            (
                self.forwarding_rules,
                self.addresses,
                self.networks,
                self.firewall_rules,
                self.ranges,
                self.connections,
            )
        )

    def __str__(self) -> str:
        parts = (
            *(f"forwarding rule {one}" for one in self.forwarding_rules),
            *(f"address {one}" for one in self.addresses),
            *(f"the private connection of {last(one)}" for one in self.connections),
            *(f"address range {one}" for one in self.ranges),
            *(f"firewall rule {one}" for one in self.firewall_rules),
            *(f"network {one}" for one in self.networks),
        )
        return "; ".join(parts) or "nothing"


class NetworkInUse(PermanentError):
    """Endpoints are in a network that is to be disconnected."""

    def __init__(self, name: str, *, endpoints: tuple[str, ...]) -> None:
        self.name, self.endpoints = name, endpoints
        super().__init__(
            f"The network of {name!r} is used by {len(endpoints)} index endpoint(s): {', '.join(endpoints)}. Nothing was "
            "changed. Tear them down first, or ask whoever made them to."
        )


@step("read what was made for network {name}")
def read_network_inventory(
    settings: VertexSettings, name: str, number: str, deadline: Deadline
) -> NetworkInventory:
    """Everything that bears our mark for a name, once no unfinished creation of an earlier run would add to it.

    Args:
        settings: the target.
        name: what it was made under.
        number: the project's number.
        deadline: when to stop waiting for unfinished operations.
    """
    _wait_for_operations(settings, name, deadline)
    networks = list_ours(settings, NETWORKS, name)
    rules, ranges = list_ours(settings, FIREWALLS, name), list_ours(settings, RANGES, name)
    used = {last(one.network) for one in ranges} | {one.name for one in networks}
    full = sorted(f"projects/{number}/global/networks/{one}" for one in used)
    ours = {one.name for one in ranges}
    connections = tuple(
        one for one in full if (there := read_connection.fn(settings, one)) and ours & set(there.ranges)
    )
    return NetworkInventory(
        forwarding_rules=tuple(one.name for one in list_ours(settings, RULES, name)),
        addresses=tuple(one.name for one in list_ours(settings, ADDRESSES, name)),
        networks=tuple(one.name for one in networks),
        firewall_rules=tuple(one.name for one in rules),
        ranges=tuple(sorted(ours)),
        connections=connections,
        endpoints=tuple(_endpoints(settings, connections)) if connections else (),
    )


def refuse_use(name: str, there: NetworkInventory) -> None:
    """Refuse to disconnect a network in which endpoints are.

    Raises:
        NetworkInUse: names them.
    """
    if there.endpoints:
        raise NetworkInUse(name, endpoints=there.endpoints)


def _endpoints(settings: VertexSettings, networks: tuple[str, ...]) -> Iterator[str]:
    with calling(f"list the index endpoints of {settings.parent}"):
        listed: Any = connect(settings).endpoints.list_index_endpoints(
            parent=settings.parent, timeout=CALL_SECONDS
        )
        yield from (f"{one.display_name} ({one.name})" for one in listed if one.network in networks)


def _wait_for_operations(settings: VertexSettings, name: str, deadline: Deadline) -> None:
    """Wait for what a killed run left under way on resources that are named as ours are."""

    def look() -> Look[bool]:
        targets = [
            last(one.target_link)
            for region in ("", settings.location)
            for one in unfinished(settings, region=region)
        ]
        ours = [one for one in targets if one == name or one.startswith(f"{name}-")]
        return Look(f"under way: {', '.join(ours) or 'nothing'}", value=True, done=not ours)

    wait_until(f"what an earlier run began for {name}", look, deadline)
