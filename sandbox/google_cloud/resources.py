"""What Compute Engine accepts of each kind of resource, what it fills in, and what holds a resource in use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any

from sandbox.google_cloud import errors
from sandbox.google_cloud.names import full, path_of, url
from sandbox.google_cloud.project import LOCATION
from sandbox.google_cloud.store import Body, Store

_AUTO_SUBNETS = "10.128.0.0/9"
_PRIVATE = IPv4Network("10.0.0.0/9")
"""Where ranges are chosen: apart from the subnets of auto mode networks."""


@dataclass(frozen=True)
class Kind:
    """One kind of resource."""

    collection: str
    """The last word but one of its paths: `networks`."""
    noun: str
    """As refusals say it."""
    fields: frozenset[str]
    """What an insert may hold."""
    prepare: Callable[[Store, Body], None]
    """Checks a body and fills in what the service chooses."""
    seconds: float
    """How long an insert takes; a delete takes as long."""


def _required(body: Body, *fields: str) -> None:
    for field in fields:
        if not body.get(field):
            raise errors.INVALID.refusal(
                field=f"resource.{field}", value="", problem="The field is required."
            )


def _one_of(body: Body, field: str, *accepted: str) -> None:
    if body.get(field) not in accepted:
        problem = f"Accepted here: {', '.join(map(repr, accepted))}."
        raise errors.INVALID.refusal(field=f"resource.{field}", value=body.get(field), problem=problem)


def referred(store: Store, body: Body, field: str) -> str:
    """The path of the resource that a field names, which must be there.

    Raises:
        Refusal: it is malformed, not there, or still being created.
    """
    path = path_of(body[field], f"resource.{field}")
    if store.get(path) is None:
        being_made = store.operations("done = 0 AND target = ?", path)
        answer = errors.NOT_READY if being_made else errors.NOT_FOUND
        raise answer.refusal(name=full(path))
    body[field] = url(path)
    return path


def _network(_store: Store, body: Body) -> None:
    mode = body.setdefault("routingConfig", {}).setdefault("routingMode", "REGIONAL")
    if mode not in ("REGIONAL", "GLOBAL"):
        raise errors.INVALID.refusal(field="resource.routingConfig.routingMode", value=mode, problem="")
    if "autoCreateSubnetworks" not in body:
        problem = "The sandbox knows no legacy networks: say true or false."
        raise errors.INVALID.refusal(field="resource.autoCreateSubnetworks", value="", problem=problem)


def _firewall(store: Store, body: Body) -> None:
    body.setdefault("network", "global/networks/default")
    referred(store, body, "network")
    body.setdefault("direction", "INGRESS")
    _one_of(body, "direction", "INGRESS")
    body.setdefault("priority", 1000)
    ranges = body.setdefault("sourceRanges", ["0.0.0.0/0"])
    for each in ranges:
        _range(each, "resource.sourceRanges")
    _required(body, "allowed")
    for rule in body["allowed"]:
        _required(rule, "IPProtocol")


def _global_address(store: Store, body: Body) -> None:
    _one_of(body, "addressType", "INTERNAL")
    _one_of(body, "purpose", "VPC_PEERING")
    _required(body, "prefixLength", "network")
    network, prefix = referred(store, body, "network"), int(body["prefixLength"])
    if not 8 <= prefix <= 29:
        raise errors.INVALID.refusal(field="resource.prefixLength", value=prefix, problem="Must be 8 to 29.")
    taken = [
        ip_network(f"{each['address']}/{each['prefixLength']}")
        for each in store.under("global/addresses/").values()
        if each["network"] == url(network)
    ]
    if body.get("address"):
        candidates: Iterator[Any] = iter([_range(f"{body['address']}/{prefix}", "resource.address")])
    else:
        candidates = _PRIVATE.subnets(new_prefix=prefix) if prefix >= _PRIVATE.prefixlen else iter([])
    free = next((one for one in candidates if not any(one.overlaps(other) for other in taken)), None)
    if free is None:
        problem = "There is no free range of this size that overlaps no other."
        raise errors.INVALID.refusal(field="resource.prefixLength", value=prefix, problem=problem)
    body["address"], body["status"] = str(free.network_address), "RESERVED"


def _address(store: Store, body: Body) -> None:
    _one_of(body, "addressType", "INTERNAL")
    body.setdefault("purpose", "GCE_ENDPOINT")
    _one_of(body, "purpose", "GCE_ENDPOINT")
    _required(body, "subnetwork")
    referred(store, body, "subnetwork")
    # Not of the subnet: clients on this machine have to reach it.
    body.setdefault(
        "address", f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    )
    body["status"] = "RESERVED"


def _forwarding_rule(store: Store, body: Body) -> None:
    _required(body, "IPAddress", "network", "target")
    _one_of(body, "loadBalancingScheme", "")
    referred(store, body, "network")
    address = store.get(referred(store, body, "IPAddress")) or {}
    if address["status"] == "IN_USE":
        raise errors.IN_USE.refusal(kind="address", name=address["name"], user="another forwarding rule")
    body["IPAddress"] = address["address"]


def _range(text: object, field: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise errors.INVALID.refusal(field=field, value=text, problem=f"{error}.") from None


def _nothing(_store: Store, _body: Body) -> None:
    """Subnetworks come with their network."""


_SHARED = {"name", "description"}
KINDS = {
    "networks": Kind("networks", "network", frozenset({*_SHARED, "autoCreateSubnetworks", "routingConfig", "mtu"}), _network, 20),
    "firewalls": Kind(
        "firewalls", "firewall",
        frozenset({*_SHARED, "network", "direction", "priority", "sourceRanges", "allowed"}), _firewall, 10,
    ),
    "globalAddresses": Kind(
        "addresses", "address",
        frozenset({*_SHARED, "labels", "addressType", "purpose", "prefixLength", "address", "network"}), _global_address, 4,
    ),
    "addresses": Kind(
        "addresses", "address",
        frozenset({*_SHARED, "labels", "addressType", "purpose", "subnetwork", "address"}), _address, 4,
    ),
    "forwardingRules": Kind(
        "forwardingRules", "forwarding_rule",
        frozenset({*_SHARED, "labels", "IPAddress", "network", "target", "loadBalancingScheme"}), _forwarding_rule, 10,
    ),
    "subnetworks": Kind("subnetworks", "subnetwork", frozenset(), _nothing, 0),
}  # fmt: skip
"""By the name in the methods' ids. Durations are nominal, from memory."""


def subnetwork_of(name: str) -> tuple[str, Body]:
    """The path and body of the subnet that an auto mode network has in our region."""
    path = f"regions/{LOCATION}/subnetworks/{name}"
    return path, {
        "kind": "compute#subnetwork",
        "name": name,
        "network": url(f"global/networks/{name}"),
        "ipCidrRange": "10.128.0.0/20",
        "region": url(f"regions/{LOCATION}"),
        "selfLink": url(path),
    }


def users(store: Store, path: str) -> list[str]:
    """The paths of what refers to a resource, beside its subnets."""
    link = url(path)
    return [
        other
        for other, body in store.under("").items()
        if "/subnetworks/" not in other and link in (body.get("network"), body.get("subnetwork"))
    ]
