"""The plans of a private network: what would become of its APIs, network, firewall rules, range and connection."""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan import Action, Difference, Plan, Resource, differences
from flows.vertex.options import VertexRun
from tasks.vertex.network.apis import APIS, Apis, read_apis
from tasks.vertex.network.compute import Compared
from tasks.vertex.network.inventory import NetworkInventory
from tasks.vertex.network.peering import read_connection
from tasks.vertex.network.private_service_connect import Way, read_way_compared, read_way_to_change
from tasks.vertex.network.vpc import NetworkSpec, firewall_rules, last, read_network_compared

_CONNECTION = "private connection"


def network_plan(run: VertexRun, spec: NetworkSpec) -> Plan:
    """What `vertex network-ensure` would do for a peering."""
    apis = read_apis(run.settings)
    if _is_off(apis):
        # Nothing can be read before they are on, so nothing of ours is there either.
        return _plan(run, [*_enabled(apis), *_new(spec)])
    compared = read_network_compared(run.settings, spec)
    network = f"projects/{apis.number}/global/networks/{spec.network}"
    there = read_connection(run.settings, network)
    if spec.existing and there and spec.range_name not in there.ranges:
        compared = [one for one in compared if one.name != spec.range_name]
        connection = Resource(
            action="keep", kind=_CONNECTION, name=spec.network, detail="that of somebody else, as it is"
        )
    elif there is None:
        connection = Resource(action="create", kind=_CONNECTION, name=spec.network)
    else:
        wanted = tuple(dict.fromkeys((*there.ranges, spec.range_name)))
        changed = differences({"ranges": there.ranges}, {"ranges": wanted})
        action: Action = "change" if changed else "keep"
        connection = Resource(action=action, kind=_CONNECTION, name=spec.network, differences=changed)
    return _plan(run, [*_enabled(apis), *_existing(spec), *map(_resource, compared), connection])


def way_plan(run: VertexRun, spec: NetworkSpec, way: Way) -> Plan:
    """What `vertex network-ensure --private-service-connect` would do."""
    apis = read_apis(run.settings)
    if _is_off(apis):
        made = [
            Resource(action="create", kind=kind, name=way.resource_name)
            for kind in ("address", "forwarding rule")
        ]
        return _plan(run, [*_enabled(apis), *_new(spec, peered=False), *made])
    read_way_to_change(run.settings, way)
    compared = [
        *read_network_compared(run.settings, spec, peered=False),
        *read_way_compared(run.settings, way),
    ]
    return _plan(run, [*_enabled(apis), *_existing(spec), *map(_resource, compared)])


def teardown_plan(run: VertexRun, there: NetworkInventory | None) -> Plan:
    """What `vertex network-teardown` would do; None where the APIs are off, so that nothing is there."""
    if there is None:
        return run.plan(hourly_usd=0.0)
    going = {
        "forwarding rule": there.forwarding_rules,
        "address": there.addresses,
        _CONNECTION: tuple(map(last, there.connections)),
        "address range": there.ranges,
        "firewall rule": there.firewall_rules,
        "network": there.networks,
    }
    resources = (
        Resource(action="remove", kind=kind, name=one) for kind, names in going.items() for one in names
    )
    return run.plan(*resources, hourly_usd=0.0)


def _plan(run: VertexRun, resources: Sequence[Resource]) -> Plan:
    return run.plan(*resources, hourly_usd=0.0)


def _is_off(apis: Apis) -> bool:
    return any(api in apis.disabled for api in APIS[:2])


def _enabled(apis: Apis) -> list[Resource]:
    return [Resource(action="create", kind="API", name=one, detail="enabled") for one in apis.disabled]


def _existing(spec: NetworkSpec) -> list[Resource]:
    if not spec.existing:
        return []
    return [
        Resource(action="keep", kind="network", name=spec.existing, detail="that of somebody else, as it is")
    ]


def _new(spec: NetworkSpec, *, peered: bool = True) -> list[Resource]:
    going = [] if spec.existing else [("network", spec.network)]
    going += [("firewall rule", rule) for rule in firewall_rules(spec)]
    going += [("address range", spec.range_name), (_CONNECTION, spec.network)] if peered else []
    return [Resource(action="create", kind=kind, name=name) for kind, name in going]


def _resource(found: Compared) -> Resource:
    if found.wanted is None:
        return Resource(action="remove", kind=found.noun, name=found.name)
    if found.there is None:
        return Resource(action="create", kind=found.noun, name=found.name)
    changed: tuple[Difference, ...] = differences(found.there, found.wanted)
    return Resource(
        action="change" if changed else "keep", kind=found.noun, name=found.name, differences=changed
    )
