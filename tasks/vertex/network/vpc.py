"""The VPC network, its firewall rules and the range for the peering, as specifications and as steps."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from google.cloud import compute_v1
from pydantic import Field

from tasks.errors import InvalidInput, PermanentError
from tasks.marks import marks
from tasks.outcomes import Did, Ensured
from tasks.steps import step
from tasks.vertex.network.compute import (
    Compared,
    Kind,
    Wanted,
    check,
    compare,
    ensure,
    list_ours,
    read,
    remove,
    remove_ours,
)
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import Specification
from tasks.waiting import Deadline

_INTERNAL = "10.128.0.0/9"
"""All subnets of auto mode networks ("Auto mode IPv4 subnet ranges")."""
_LOWEST_PRIORITY = 65534
"""The priority of the four rules that gcloud and the console propose; 65535 is the last."""
_WORLD = 8
"""A range with a shorter prefix holds more than one network's own addresses: it opens the rule to the internet."""


def parse_range(text: str) -> IPv4Network:
    """A source range of a firewall rule, as CIDR.

    Raises:
        ValueError: it is none, or has bits beyond its prefix.
    """
    return IPv4Network(text)


def is_world(text: str) -> bool:
    """Whether a source range opens a rule to the internet."""
    return parse_range(text).prefixlen < _WORLD


class NetworkSpec(Specification, frozen=True):
    """A network that is peered with Google's services."""

    existing: str | None = None
    """The name of a network that somebody else made, to be used as it is; None for one of our own."""
    prefix_length: int = Field(default=16, ge=8, le=24)
    """Of the range that is given to Google's services."""
    ssh_from: tuple[str, ...] = ()
    """Ranges that may connect by SSH; without any there is no rule."""
    rdp_from: tuple[str, ...] = ()
    """Ranges that may connect by RDP; without any there is no rule."""

    @property
    def network(self) -> str:
        """The network's own name."""
        return self.existing or self.name

    @property
    def range_name(self) -> str:
        """The name of the range for the peering."""
        return f"{self.name}-peering"

    @property
    def description(self) -> str:
        """Our mark."""
        return json.dumps(marks(self.name, self.spec))


def _network_facts(network: compute_v1.Network) -> dict[str, object]:
    return {
        "subnet mode": "auto" if network.auto_create_subnetworks else "custom",
        "routing mode": network.routing_config.routing_mode,
    }


def _firewall_facts(rule: compute_v1.Firewall) -> dict[str, object]:
    return {
        "network": last(rule.network),
        "direction": rule.direction,
        "priority": rule.priority,
        "source ranges": sorted(rule.source_ranges),
        "allowed": sorted((one.I_p_protocol, tuple(one.ports)) for one in rule.allowed),
    }


def _range_facts(address: compute_v1.Address) -> dict[str, object]:
    return {
        "purpose": address.purpose,
        "prefix length": address.prefix_length,
        "network": last(address.network),
    }


NETWORKS = Kind(
    noun="network", field="network", client=lambda clients: clients.networks, facts=_network_facts
)
FIREWALLS = Kind(
    noun="firewall rule",
    field="firewall",
    client=lambda clients: clients.firewalls,
    facts=_firewall_facts,
    patched=True,
)
RANGES = Kind(
    noun="address range", field="address", client=lambda clients: clients.ranges, facts=_range_facts
)


class NoSuchNetwork(PermanentError):
    """The network that is to be used is not there."""

    def __init__(self, name: str, *, project: str) -> None:
        self.name, self.project = name, project
        super().__init__(
            f"There is no network {name!r} in project {project}. Leave out --network to create one under --name."
        )


def last(url: str) -> str:
    """The last part of a resource's URL: its own name."""
    return url.rpartition("/")[2]


@step("look at network {spec.network} before it is changed")
def read_network_to_change(settings: VertexSettings, spec: NetworkSpec, *, peered: bool = True) -> None:
    """See that nothing is in the way of this specification, before anything is created.

    Args:
        settings: the target.
        spec: what is to be made.
        peered: whether it gets a range.

    Raises:
        NoSuchNetwork: somebody else's network is not there.
        NotOurs: one of our names is taken by something without our mark.
        CannotChangeInPlace: what is there differs in what is fixed.
    """
    if spec.existing and read(settings, NETWORKS, spec.existing) is None:
        raise NoSuchNetwork(spec.existing, project=settings.project)
    for one in _wanted(spec, peered=peered):
        check(settings, one)


@step("compare network {spec.network} with what is wanted")
def read_network_compared(
    settings: VertexSettings, spec: NetworkSpec, *, peered: bool = True
) -> tuple[Compared, ...]:
    """Network, firewall rules and range of a specification beside what is there; rules of ours that go too.

    Args:
        settings: the target.
        spec: what is to be made.
        peered: whether it gets a range.

    Raises:
        NoSuchNetwork, NotOurs, CannotChangeInPlace: as `read_network_to_change`.
    """
    if spec.existing and read(settings, NETWORKS, spec.existing) is None:
        raise NoSuchNetwork(spec.existing, project=settings.project)
    found = [compare(settings, one) for one in _wanted(spec, peered=peered)]
    names = {one.name for one in found}
    going = [rule for rule in list_ours(settings, FIREWALLS, spec.name) if rule.name not in names]
    gone = [
        Compared(noun=FIREWALLS.noun, name=one.name, there=_firewall_facts(one), wanted=None) for one in going
    ]
    return (*found, *gone)


@step("ensure network {spec.network}")
def ensure_network(settings: VertexSettings, spec: NetworkSpec, deadline: Deadline) -> Ensured[str]:
    """The network, by its own name: created with auto mode subnets and regional routing, or somebody else's as it is.

    Raises:
        NoSuchNetwork: somebody else's is not there.
        NotOurs: a network of our name is there without our mark.
        CannotChangeInPlace: ours has another subnet mode or routing mode.
    """
    if spec.existing:
        if read(settings, NETWORKS, spec.existing) is None:
            raise NoSuchNetwork(spec.existing, project=settings.project)
        return Ensured(spec.existing)
    return Ensured(spec.network, ensure(settings, _wanted_network(spec), deadline).did)


def _wanted(spec: NetworkSpec, *, peered: bool) -> list[Wanted]:
    """Everything that is made, in the order in which it is."""
    network = [] if spec.existing else [_wanted_network(spec)]
    return [*network, *_wanted_rules(spec), *([_wanted_range(spec)] if peered else [])]


def _wanted_network(spec: NetworkSpec) -> Wanted:
    resource = {
        "description": spec.description,
        "auto_create_subnetworks": True,
        "routing_config": {"routing_mode": "REGIONAL"},
    }
    remedy = f"Choose another --name, or use it as it is with --network {spec.network}."
    return Wanted(kind=NETWORKS, name=spec.network, owner=spec.name, resource=resource, remedy=remedy)


def _wanted_rules(spec: NetworkSpec) -> list[Wanted]:
    return [
        Wanted(kind=FIREWALLS, name=name, owner=spec.name, resource=rule)
        for name, rule in firewall_rules(spec).items()
    ]


def firewall_rules(spec: NetworkSpec) -> dict[str, dict[str, Any]]:
    """The rules by name. On somebody else's network only those that were asked for: it has rules of its own."""
    rules: dict[str, dict[str, Any]] = {}
    if not spec.existing:
        everything = ("0-65535",)
        inside = [("tcp", everything), ("udp", everything), ("icmp", ())]
        rules["allow-icmp"] = _rule(spec, _LOWEST_PRIORITY, [_INTERNAL], [("icmp", ())])
        rules["allow-internal"] = _rule(spec, _LOWEST_PRIORITY, [_INTERNAL], inside)
    if spec.ssh_from:
        rules["allow-ssh"] = _rule(spec, 1000, spec.ssh_from, [("tcp", ("22",))])
    if spec.rdp_from:
        rules["allow-rdp"] = _rule(spec, 1000, spec.rdp_from, [("tcp", ("3389",))])
    return {f"{spec.name}-{name}": rule for name, rule in rules.items()}


def _rule(
    spec: NetworkSpec, priority: int, sources: Any, allowed: Iterable[tuple[str, tuple[str, ...]]]
) -> dict[str, Any]:
    return {
        "description": spec.description,
        "network": f"global/networks/{spec.network}",
        "direction": "INGRESS",
        "priority": priority,
        "source_ranges": list(sources),
        "allowed": [{"I_p_protocol": protocol, "ports": list(ports)} for protocol, ports in allowed],
    }


@step("ensure firewall rules of {spec.name}")
def ensure_firewall_rules(
    settings: VertexSettings, spec: NetworkSpec, deadline: Deadline
) -> Ensured[dict[str, Did]]:
    """The rules of this specification, each created, changed or left, and those of ours removed that it no longer has.

    Returns:
        What was done, by the rule's name; `changed` for a removed one, and for all of them if any changed.
    """
    done: dict[str, Did] = {}
    for wanted in _wanted_rules(spec):
        done[wanted.name] = ensure(settings, wanted, deadline).did
    for rule in list_ours(settings, FIREWALLS, spec.name):
        if rule.name not in done and remove(settings, FIREWALLS, rule.name, spec.name, deadline):
            done[rule.name] = "changed"
    return Ensured(done, "nothing" if set(done.values()) <= {"nothing"} else "changed")


@step("ensure address range {spec.range_name}")
def ensure_range(settings: VertexSettings, spec: NetworkSpec, deadline: Deadline) -> Ensured[str]:
    """The range for the peering, `10.0.0.0/16`; the service chooses it.

    Raises:
        CannotChangeInPlace: it is there with another length, or in another network.
        NotOurs: an address of that name is there without our mark.
    """
    found = ensure(settings, _wanted_range(spec), deadline)
    return Ensured(f"{found.there.address}/{found.there.prefix_length}", found.did)


def _wanted_range(spec: NetworkSpec) -> Wanted:
    resource = {
        "description": spec.description,
        "address_type": "INTERNAL",
        "purpose": "VPC_PEERING",
        "prefix_length": spec.prefix_length,
        "network": f"global/networks/{spec.network}",
    }
    return Wanted(kind=RANGES, name=spec.range_name, owner=spec.name, resource=resource)


@step("remove firewall rules of {name}")
def remove_firewall_rules(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove the firewall rules that we made under a name. Returns what went."""
    return remove_ours(settings, FIREWALLS, name, deadline)


@step("remove address range of {name}")
def remove_range(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove the ranges that we made under a name. Returns what went."""
    return remove_ours(settings, RANGES, name, deadline)


@step("remove network {name}")
def remove_network(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove the network that we made under a name. Returns what went.

    Raises:
        ServiceRefused: another resource uses it, which the message names.
    """
    return remove_ours(settings, NETWORKS, name, deadline)


def check_ranges(ranges: tuple[str, ...], *, option: str) -> None:
    """Refuse source ranges that are none.

    Raises:
        InvalidInput: names the first.
    """
    for text in ranges:
        try:
            parse_range(text)
        except ValueError as error:
            raise InvalidInput(
                f"This is no range of IPv4 addresses ({error})", value=text, source=option,
                accepted="CIDR, as 203.0.113.0/24, or one address as 203.0.113.7/32",
            ) from None  # fmt: skip
