"""`vertex network-ensure`: the network of a private endpoint, from the APIs to the peering or to Private Service Connect."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import Question, agree
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.network.options import NetworkOptions
from flows.vertex.network.plans import network_plan, way_plan
from flows.vertex.options import VertexRun
from flows.vertex.private_ways import connect, saw
from tasks.errors import InvalidInput
from tasks.plurals import listed
from tasks.progress import say
from tasks.vertex.network.apis import ensure_apis, wait_for_apis
from tasks.vertex.network.peering import ensure_connection, read_connection
from tasks.vertex.network.private_service_connect import Way, read_way_to_change
from tasks.vertex.network.vpc import (
    NetworkSpec,
    check_ranges,
    ensure_firewall_rules,
    ensure_network,
    ensure_range,
    is_world,
    read_network_to_change,
)
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.specs import Name


class NetworkEnsureOptions(NetworkOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex network-ensure`."""

    network: Name | None = Field(
        default=None,
        description="A network that somebody else made, to use as it is: it gets a peering if it has none, and no firewall rules "
        "but those asked for here. By default one is created under the name.",
    )
    private_service_connect: bool = Field(
        default=False,
        description="Instead of a peering: an address and a forwarding rule to the deployed index of this name, which must have been "
        "built with --endpoint private-service-connect.",
    )
    subnetwork: Name | None = Field(
        default=None,
        description="With --private-service-connect: the subnet of the network in the index's region; by default it is called as the "
        "network, as in auto mode networks.",
    )
    prefix_length: int = Field(
        default=16,
        ge=8,
        le=24,
        description="Size of the address range that is given to Google's services: /16.",
    )
    ssh_from: tuple[str, ...] = Field(
        default=(),
        description="Range of addresses that may connect by SSH: 203.0.113.0/24. Without one there is no such rule.",
    )
    rdp_from: tuple[str, ...] = Field(
        default=(),
        description="Range of addresses that may connect by RDP. Without one there is no such rule.",
    )
    yes: bool = agreement("rules that let the whole internet in")
    timeout_minutes: float = timeout(30)


@engine_flow(VERTEX, "network-ensure", run_name="network {name} on {target}")
def ensure_private_network(options: NetworkEnsureOptions) -> Report:
    """Make the network of a private endpoint, or what is missing of it, and nothing twice.

    Enables the APIs, creates an auto mode network with regional routing, firewall rules for ICMP and for the network's own
    subnets, the address range and the private connection to Google's services. With --private-service-connect, instead of the last
    two, an address and a forwarding rule to the deployed index, whose queries then find the way. What does not bear our mark is not
    changed.

    Example:
        vector-search vertex network-ensure --name products --ssh-from 203.0.113.0/24 --target google-cloud
    """
    check_ranges(options.ssh_from, option="--ssh-from")
    check_ranges(options.rdp_from, option="--rdp-from")
    spec = NetworkSpec(existing=options.network, **options.shared_with(NetworkSpec))
    if options.subnetwork and not options.private_service_connect:
        raise InvalidInput("--subnetwork is for --private-service-connect only")
    with running(VERTEX, "network-ensure", options) as run:
        way = _way(run, spec, options.subnetwork or spec.network) if options.private_service_connect else None
        agree(
            _questions(options),
            yes=options.yes,
            plan=lambda: way_plan(run, spec, way) if way else network_plan(run, spec),
        )
        if way:
            run.report.facts["address"] = make_way(run, spec, way)
            return run.report
        run.report.facts["network"] = make_network(run, spec)
        say(f"For builds with --endpoint vpc: export VERTEX_NETWORK={run.report.facts['network']}")
    return run.report


def make_network(run: VertexRun, spec: NetworkSpec) -> str:
    """Chain the steps of a peering. Returns the network's resource name, with the project's number."""
    settings, report, deadline = run.settings, run.report, run.deadline
    number = _enable(run)
    read_network_to_change(settings, spec)
    _make_vpc(run, spec)
    network = f"projects/{number}/global/networks/{spec.network}"
    if (
        spec.existing
        and (there := read_connection(settings, network))
        and spec.range_name not in there.ranges
    ):
        # Somebody else's peering is as good as ours, and not ours to extend.
        report.facts["ranges"] = list(there.ranges)
        with report.step("use the private connection that is there") as step:
            step.saw(f"with {listed(there.ranges)}")
        return network
    with report.step(f"ensure address range {spec.range_name}") as step:
        range_ = ensure_range(settings, spec, deadline)
        saw(step, range_.did, range_.there)
    with report.step("ensure the private connection to Google's services") as step:
        connection = ensure_connection(settings, network, spec.range_name, deadline)
        saw(step, connection.did)
        report.facts["ranges"] = list(connection.there.ranges)
    return network


def _way(run: VertexRun, spec: NetworkSpec, subnetwork: str) -> Way:
    """The way to the version that is served."""
    served = read_served_index(run.settings, spec.name)
    return Way(
        name=spec.name,
        network=spec.network,
        subnetwork=subnetwork,
        region=run.settings.location,
        attachment=served.service_attachment,
        version=served.version,
    )


def _questions(options: NetworkEnsureOptions) -> list[Question]:
    """Ask before the internet is let in."""
    world = [each for each in (*options.ssh_from, *options.rdp_from) if is_world(each)]
    if not world:
        return []
    consequence = f"It would let in {listed(world)}, which is the internet or a large part of it."
    return [Question("open a firewall rule to the internet", consequence)]


def make_way(run: VertexRun, spec: NetworkSpec, way: Way) -> str:
    """Chain the steps of Private Service Connect. Returns the address where queries go."""
    settings = run.settings
    _enable(run)
    read_network_to_change(settings, spec, peered=False)
    read_way_to_change(settings, way)
    _make_vpc(run, spec)
    return connect(run, way)


def _enable(run: VertexRun) -> str:
    """Enable the APIs. Returns the project's number."""
    with run.report.step("enable the APIs") as step:
        apis = ensure_apis(run.settings, run.deadline)
        wait_for_apis(run.settings, apis.there.number, run.deadline)
        step.saw("were enabled" if apis.did == "nothing" else "enabled")
    return apis.there.number


def _make_vpc(run: VertexRun, spec: NetworkSpec) -> None:
    with run.report.step(f"ensure network {spec.network}") as step:
        saw(step, ensure_network(run.settings, spec, run.deadline).did)
    with run.report.step("ensure firewall rules") as step:
        for rule, did in ensure_firewall_rules(run.settings, spec, run.deadline).there.items():
            saw(step, did, rule)
