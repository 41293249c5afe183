"""The way to a deployed index through Private Service Connect: an address, and a forwarding rule to its service attachment.

Both bear our mark, and queries find the address by reading the rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from google.cloud import compute_v1

from tasks.calls import ServiceRefused
from tasks.errors import InvalidInput, PermanentError
from tasks.marks import fingerprint, is_ours, marks
from tasks.outcomes import Did, Ensured
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.network.compute import (
    SERVICE_DISABLED,
    Compared,
    Kind,
    Wanted,
    check,
    compare,
    ensure,
    list_ours,
    mark_of,
    read,
    reason_of,
    remove,
    remove_ours,
)
from tasks.vertex.network.vpc import last
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST
from tasks.waiting import Deadline, Look, wait_until

_ACCEPTED = "ACCEPTED"
_WHAT_TO_DO = {
    "REJECTED": "Allow this project on the endpoint: set VERTEX_PSC_PROJECTS, tear the endpoint down and build it again.",
    "CLOSED": "Its deployed index is gone: deploy it again, then connect it anew.",
}
"""What ends a connection for good, and what to do."""


def described(status: str) -> str:
    """The status of a connection in words, with what to do where it has ended for good."""
    return f"{status or 'not decided'}. {_WHAT_TO_DO.get(status, '')}".rstrip(" .")


def _address_facts(address: compute_v1.Address) -> dict[str, object]:
    return {"address type": address.address_type, "subnetwork": last(address.subnetwork)}


def _rule_facts(rule: compute_v1.ForwardingRule) -> dict[str, object]:
    return {"network": last(rule.network), "target": _path(rule.target)}


def _network_only(rule: compute_v1.ForwardingRule) -> dict[str, object]:
    return {"network": last(rule.network)}


ADDRESSES = Kind(
    noun="address",
    field="address",
    client=lambda clients: clients.addresses,
    facts=_address_facts,
    regional=True,
)
RULES = Kind(
    noun="forwarding rule",
    field="forwarding_rule",
    client=lambda clients: clients.forwarding_rules,
    facts=_rule_facts,
    regional=True,
)
_ANYWHERE = replace(RULES, facts=_network_only)
"""A rule to another target is replaced."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """What leads to a deployed index."""

    name: str
    """The name that the index was built under."""
    network: str
    """The network's own name."""
    subnetwork: str
    """The name of the subnet, in the index's region, that the address is taken from."""
    region: str
    """The index's."""
    attachment: str
    """The deployed index's service attachment: projects/P/regions/R/serviceAttachments/S."""
    version: str = FIRST
    """The version of the name that is deployed: each has an attachment of its own, and so a way of its own."""

    @property
    def resource_name(self) -> str:
        """The name of the address, and of the rule."""
        return way_name(self.name, self.version)


def way_name(name: str, version: str = FIRST) -> str:
    """The name of the address and of the forwarding rule to the deployed index of a version of a name."""
    return f"{name}-psc" if version == FIRST else f"{name}-{version}-psc"


class NotAccepted(PermanentError):
    """A service attachment does not take the connection."""

    def __init__(self, rule: str, *, attachment: str, status: str) -> None:
        self.rule, self.attachment, self.status = rule, attachment, status
        super().__init__(
            f"The connection of forwarding rule {rule!r} to {attachment} is {described(status)}."
        )


@step("look at the way to {way.name} before it is changed")
def read_way_to_change(settings: VertexSettings, way: Way) -> None:
    """See that nothing is in the way, before anything is created.

    Raises:
        InvalidInput: the index has no service attachment.
        NotOurs: one of our names is taken by something without our mark.
        CannotChangeInPlace: the address is there in another subnet.
    """
    if not way.attachment:
        raise InvalidInput(
            f"The index {way.name!r} has no service attachment",
            accepted="an index that was built with --endpoint private-service-connect",
        )
    check(settings, _wanted_address(way))
    check(settings, replace(_wanted_rule(way), kind=_ANYWHERE))


@step("compare the way to {way.name} with what is wanted")
def read_way_compared(settings: VertexSettings, way: Way) -> tuple[Compared, ...]:
    """The address and the forwarding rule of a way beside what is there.

    Raises:
        NotOurs, CannotChangeInPlace: as `read_way_to_change`.
    """
    address = compare(settings, _wanted_address(way))
    return address, compare(settings, _wanted_rule(way), fixed=_ANYWHERE)


@step("ensure address of {way.name}")
def ensure_address(settings: VertexSettings, way: Way, deadline: Deadline) -> Ensured[str]:
    """An address of the subnet, reserved for the forwarding rule.

    Raises:
        NotOurs, CannotChangeInPlace: as `read_way_to_change`.
    """
    found = ensure(settings, _wanted_address(way), deadline)
    return Ensured(str(found.there.address), found.did)


@step("ensure forwarding rule of {way.name}")
def ensure_forwarding_rule(settings: VertexSettings, way: Way, deadline: Deadline) -> Ensured[str]:
    """The forwarding rule from the address to the service attachment; one to an earlier attachment is replaced.

    Returns:
        Its address.
    """
    wanted, did = _wanted_rule(way), None
    there = read(settings, RULES, wanted.name)
    if there is not None and is_ours(mark_of(there), way.name) and _is_over(there, way):
        remove(settings, RULES, wanted.name, way.name, deadline)
        did = "changed"
    found = ensure(settings, wanted, deadline)
    done: Did = "changed" if did else found.did
    return Ensured(str(found.there.I_p_address), done)


@step("wait for the service attachment to accept {way.name}")
def wait_for_acceptance(settings: VertexSettings, way: Way, deadline: Deadline) -> None:
    """Wait until the service attachment has accepted the connection.

    Raises:
        NotAccepted: it has rejected or closed it.
    """

    def look() -> Look[bool]:
        rule = read(settings, RULES, way.resource_name)
        status = str(rule.psc_connection_status) if rule is not None else "gone"
        if status in _WHAT_TO_DO:
            raise NotAccepted(way.resource_name, attachment=way.attachment, status=status)
        return Look(f"the connection is {status or 'not decided'}", value=True, done=status == _ACCEPTED)

    wait_until(f"the connection to {way.attachment}", look, deadline)


def read_way(settings: VertexSettings, name: str, attachment: str) -> str | None:
    """The address of our accepted forwarding rule to a service attachment, or None; why a rule of ours leads nowhere is said."""
    rule = _rule_to(settings, name, attachment)
    if rule is None:
        return None
    if rule.psc_connection_status != _ACCEPTED:
        say(
            f"The connection of forwarding rule {rule.name!r} to {attachment} is {described(rule.psc_connection_status)}."
        )
        return None
    return str(rule.I_p_address)


@step("read what the way to {name} begins in")
def read_subnetwork(settings: VertexSettings, name: str, attachment: str) -> tuple[str, str] | None:
    """(network, subnetwork) of our forwarding rule to a service attachment, or None if there is no such rule."""
    rule = _rule_to(settings, name, attachment)
    if rule is None:
        return None
    addresses = list_ours(settings, ADDRESSES, name)
    subnetworks = [one.subnetwork for one in addresses if one.address == rule.I_p_address]
    return last(rule.network), last(subnetworks[0] if subnetworks else rule.network)


def _rule_to(settings: VertexSettings, name: str, attachment: str) -> Any | None:
    rules = list_ours(settings, RULES, name)
    return next((one for one in rules if _path(one.target) == _path(attachment)), None)


@step("remove the way to version {version} of {name}")
def remove_way(settings: VertexSettings, name: str, version: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove our forwarding rule to a version and its address, if they are there. Returns what went."""
    each = way_name(name, version)
    try:
        return tuple(each for kind in (RULES, ADDRESSES) if remove(settings, kind, each, name, deadline))
    except ServiceRefused as error:
        if reason_of(error) not in SERVICE_DISABLED:
            raise
        return ()  # where Compute Engine is off, there is no rule of ours


@step("remove forwarding rule of {name}")
def remove_forwarding_rule(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove the forwarding rules that we made under a name. Returns what went."""
    return remove_ours(settings, RULES, name, deadline)


@step("remove address of {name}")
def remove_address(settings: VertexSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove the addresses that we made under a name. Returns what went."""
    return remove_ours(settings, ADDRESSES, name, deadline)


def _is_over(rule: Any, way: Way) -> bool:
    return _path(rule.target) != _path(way.attachment) or rule.psc_connection_status == "CLOSED"


def _wanted_address(way: Way) -> Wanted:
    resource = {
        "description": _description(way),
        "address_type": "INTERNAL",
        "purpose": "GCE_ENDPOINT",
        "subnetwork": f"regions/{way.region}/subnetworks/{way.subnetwork}",
    }
    return Wanted(kind=ADDRESSES, name=way.resource_name, owner=way.name, resource=resource)


def _wanted_rule(way: Way) -> Wanted:
    resource = {
        "description": _description(way),
        "I_p_address": f"regions/{way.region}/addresses/{way.resource_name}",
        "network": f"global/networks/{way.network}",
        "target": way.attachment,
        "load_balancing_scheme": "",
    }
    return Wanted(kind=RULES, name=way.resource_name, owner=way.name, resource=resource)


def _description(way: Way) -> str:
    spec = fingerprint({"network": way.network, "subnetwork": way.subnetwork})
    return json.dumps(marks(way.name, spec))


def _path(target: str) -> str:
    """A service attachment without the beginning of its URL."""
    return target[target.find("projects/") :] if "projects/" in target else target
