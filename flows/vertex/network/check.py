"""`vertex network-check`: what the network of a private endpoint has and lacks. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.findings import tell
from flows.report import Report, reporting
from flows.vertex.engine import VERTEX
from flows.vertex.network.options import NetworkOptions
from tasks.errors import PermanentError
from tasks.plurals import listed
from tasks.vertex.resources.network_findings import read_network_findings
from tasks.vertex.specs import Name


class NetworkIncomplete(PermanentError):
    """A private endpoint would not work in this network."""

    def __init__(self, name: str, missing: list[str]) -> None:
        self.name, self.missing = name, missing
        super().__init__(
            f"The network of {name!r} lacks {listed(missing)}. The lines above say how to fix it."
        )


class NetworkCheckOptions(NetworkOptions, frozen=True):
    """The options of `vertex network-check`."""

    network: Name | None = Field(
        default=None, description="A network that somebody else made, instead of one of the name."
    )


@engine_flow(VERTEX, "network-check", run_name="check network {name} on {target}")
def check_network(options: NetworkCheckOptions) -> Report:
    """Check the network of a private endpoint and say how to fix what is missing.

    Checks the APIs, the network, our firewall rules, and the peering or the forwarding rule of Private Service Connect.

    Example:
        vector-search vertex network-check --name products --target google-cloud
    """
    settings = VERTEX.settings(options.target)
    with reporting("vertex network-check", options.name, options.target, settings.where) as report:
        findings = read_network_findings(settings, options.name, options.network)
        tell(report, findings)
        if missing := [finding.what for finding in findings if finding.is_in_the_way]:
            raise NetworkIncomplete(options.name, missing)
    return report
