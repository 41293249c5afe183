"""`vertex network-teardown`: remove what was made for a network, in the order that the services allow."""

from __future__ import annotations

from flows.confirmation import Question, agree
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.network.options import NetworkOptions
from flows.vertex.network.plans import teardown_plan
from flows.vertex.options import VertexRun
from tasks.errors import GateNotMet
from tasks.plurals import listed
from tasks.progress import say
from tasks.vertex.network.apis import APIS, read_apis
from tasks.vertex.network.inventory import NetworkInventory, read_network_inventory, refuse_use
from tasks.vertex.network.peering import remove_connection
from tasks.vertex.network.private_service_connect import remove_address, remove_forwarding_rule
from tasks.vertex.network.vpc import remove_firewall_rules, remove_network, remove_range


class NetworkTeardownOptions(NetworkOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex network-teardown`."""

    yes: bool = agreement("the removal")
    timeout_minutes: float = timeout(30)


@engine_flow(VERTEX, "network-teardown", run_name="remove network {name} on {target}")
def teardown_network(options: NetworkTeardownOptions) -> Report:
    """Remove everything that was made for a network under a name, and nothing else.

    Lists what would be removed and asks for confirmation. A network of somebody else's stays, and so do the ranges that others
    gave to its connection. While index endpoints are in the network nothing is removed. The APIs stay enabled.

    Example:
        vector-search vertex network-teardown --name products --target google-cloud --yes
    """
    name = options.name
    with running(VERTEX, "network-teardown", options) as run:
        apis = read_apis(run.settings)
        if off := [api for api in apis.disabled if api in APIS[:2]]:
            agree([], yes=True, plan=lambda: teardown_plan(run, None))
            say(
                f"Nothing to do: {' and '.join(off)} not enabled in {run.settings.project}, so there is no network of ours."
            )
            return run.report
        there = read_network_inventory(run.settings, name, apis.number, run.deadline)
        refuse_use(name, there)
        removal = Question("remove all of it", f"It would remove: {there}.")
        agree([] if there.is_empty else [removal], yes=options.yes, plan=lambda: teardown_plan(run, there))
        if there.is_empty:
            say(
                f"Nothing to do: nothing was made for a network under the name {name!r} in {run.settings.project}."
            )
            return run.report
        _remove(run, name, apis.number, there)
    return run.report


def _remove(run: VertexRun, name: str, number: str, there: NetworkInventory) -> None:
    settings, report, deadline = run.settings, run.report, run.deadline
    with report.step("remove the forwarding rule and its address") as step:
        step.saw(f"{len(remove_forwarding_rule(settings, name, deadline))} removed")
        step.saw(f"{len(remove_address(settings, name, deadline))} removed")
    for network in there.connections:
        with report.step(f"remove the private connection of {network}") as step:
            gone = remove_connection(settings, network, there.ranges, deadline)
            step.saw(f"{listed(gone)} taken from it" if gone else "nothing to remove")
    with report.step("remove the address range") as step:
        step.saw(f"{len(remove_range(settings, name, deadline))} removed")
    with report.step("remove the firewall rules") as step:
        step.saw(f"{len(remove_firewall_rules(settings, name, deadline))} removed")
    with report.step("remove the network") as step:
        step.saw(f"{len(remove_network(settings, name, deadline))} removed")
    with report.step("check that nothing is left") as step:
        left = read_network_inventory(settings, name, number, deadline)
        if not left.is_empty:
            raise GateNotMet(
                f"What is left of {name}", measured=str(left), wanted="nothing", remedy="Run it again."
            )
        step.saw("nothing is left")
