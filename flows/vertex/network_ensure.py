"""`vertex network-ensure`: the network of a `vpc` endpoint, from the APIs to the peering with Google's services."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import confirm
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report, StepReport, listed
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.network_options import NetworkOptions
from flows.vertex.options import VertexRun
from tasks.outcomes import Did
from tasks.progress import say
from tasks.vertex.network.apis import ensure_apis, wait_for_apis
from tasks.vertex.network.peering import ensure_connection, read_connection
from tasks.vertex.network.vpc import (
    NetworkSpec,
    check_ranges,
    ensure_firewall_rules,
    ensure_network,
    ensure_range,
    is_world,
    read_network_to_change,
)
from tasks.vertex.specs import Name


class NetworkEnsureOptions(NetworkOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex network-ensure`."""

    network: Name | None = Field(
        default=None,
        description="A network that somebody else made, to use as it is: it gets a peering if it has none, and no firewall rules "
        "but those asked for here. By default one is created under the name.",
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
    """Make the network of a vpc endpoint, or what is missing of it, and nothing twice.

    Enables the APIs, creates an auto mode network with regional routing, firewall rules for ICMP and for the network's own
    subnets, the address range and the private connection to Google's services. What does not bear our mark is not changed.

    Example:
        vector-search vertex network-ensure --name products --ssh-from 203.0.113.0/24 --target google-cloud
    """
    check_ranges(options.ssh_from, option="--ssh-from")
    check_ranges(options.rdp_from, option="--rdp-from")
    spec = NetworkSpec(existing=options.network, **options.shared_with(NetworkSpec))
    if world := [each for each in (*options.ssh_from, *options.rdp_from) if is_world(each)]:
        consequence = f"It would let in {listed(world)}, which is the internet or a large part of it."
        confirm("open a firewall rule to the internet", consequence=consequence, yes=options.yes)
    with running(VERTEX, "network-ensure", options) as run:
        run.report.facts["network"] = make_network(run, spec)
        say(f"For builds with --endpoint vpc: export VERTEX_NETWORK={run.report.facts['network']}")
    return run.report


def make_network(run: VertexRun, spec: NetworkSpec) -> str:
    """Chain the steps. Returns the network's resource name, with the project's number."""
    settings, report, deadline = run.settings, run.report, run.deadline
    with report.step("enable the APIs") as step:
        apis = ensure_apis(settings, deadline)
        wait_for_apis(settings, apis.there.number, deadline)
        step.saw("were enabled" if apis.did == "nothing" else "enabled")
    read_network_to_change(settings, spec)
    with report.step(f"ensure network {spec.network}") as step:
        _saw(step, ensure_network(settings, spec, deadline).did)
    network = f"projects/{apis.there.number}/global/networks/{spec.network}"
    with report.step("ensure firewall rules") as step:
        for rule, did in ensure_firewall_rules(settings, spec, deadline).items():
            _saw(step, did, rule)
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
        _saw(step, range_.did, range_.there)
    with report.step("ensure the private connection to Google's services") as step:
        connection = ensure_connection(settings, network, spec.range_name, deadline)
        _saw(step, connection.did)
        report.facts["ranges"] = list(connection.there.ranges)
    return network


def _saw(step: StepReport, did: Did, what: str = "") -> None:
    done = "there already" if did == "nothing" else did
    step.saw(f"{what}: {done}" if what else done)
