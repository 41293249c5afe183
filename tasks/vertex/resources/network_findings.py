"""What a private endpoint's network has and lacks, as findings. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.findings import Finding
from tasks.program import command
from tasks.steps import step
from tasks.vertex.network.apis import APIS, read_apis
from tasks.vertex.network.compute import list_ours, read
from tasks.vertex.network.peering import SERVICE, read_connection
from tasks.vertex.network.private_service_connect import RULES, described
from tasks.vertex.network.vpc import FIREWALLS, NETWORKS
from tasks.vertex.settings import VertexSettings

_ACTIVE = "ACTIVE"


@step("check network of {name}")
def read_network_findings(settings: VertexSettings, name: str, existing: str | None) -> tuple[Finding, ...]:
    """Look at everything that `network-ensure` makes.

    Args:
        settings: the target.
        name: what it was made under.
        existing: somebody else's network that is used instead of one of the name.
    """
    apis = read_apis.fn(settings)
    remedy = command("vertex network-ensure", name=name, **_network_option(existing))
    found = [
        Finding(what=f"API {api} enabled", state="missing", seen="not enabled", command=remedy)
        if api in apis.disabled
        else Finding(what=f"API {api} enabled", state="ok", seen="enabled")
        for api in APIS
    ]
    if {APIS[0], SERVICE} & set(apis.disabled):
        return tuple(found)  # what else there is cannot be asked for
    return (*found, *_network(settings, name, existing, apis.number, remedy))


def _network_option(existing: str | None) -> dict[str, str]:
    return {"network": existing} if existing else {}


def _network(
    settings: VertexSettings, name: str, existing: str | None, number: str, remedy: str
) -> Iterator[Finding]:
    network = existing or name
    there = read(settings, NETWORKS, network)
    if there is None:
        yield Finding(
            what=f"network {network}",
            state="missing",
            seen="there is none",
            command=command("vertex network-ensure", name=name),
        )
        return
    mode = "auto" if there.auto_create_subnetworks else "custom"
    yield Finding(what=f"network {network}", state="ok", seen=f"there, with {mode} mode subnets")
    for rule in list_ours(settings, FIREWALLS, name):
        yield Finding(
            what=f"firewall rule {rule.name}", state="ok", seen=f"from {', '.join(rule.source_ranges)}"
        )
    rules = list_ours(settings, RULES, name)
    way = command(
        "vertex network-ensure", name=name, private_service_connect=True, **_network_option(existing)
    )
    for rule in rules:
        status = str(rule.psc_connection_status)
        yield Finding(
            what=f"forwarding rule {rule.name}",
            state="ok" if status == "ACCEPTED" else "missing",
            seen=f"at {rule.I_p_address}, {described(status)}",
            # A rejection is the endpoint's: making the rule again changes nothing.
            command="" if status in ("ACCEPTED", "REJECTED") else way,
        )
    what, full = "peered with Google's services", f"projects/{number}/global/networks/{network}"
    connection = read_connection.fn(settings, full)
    states = {peering.name: str(peering.state) for peering in there.peerings}
    if connection is None:
        seen = "not peered"
        state = "not needed" if rules else "missing"
        yield Finding(what=what, state=state, seen=seen, command="" if rules else remedy)
    elif states.get(connection.peering, _ACTIVE) != _ACTIVE:
        yield Finding(
            what=what, state="missing", seen=f"the peering is {states[connection.peering]}", command=remedy
        )
    else:
        yield Finding(what=what, state="ok", seen=f"{full} with {', '.join(connection.ranges)}")
