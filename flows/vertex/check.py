"""`vertex check`: what a build needs and does not find, with the command that mends it. Changes nothing."""

from __future__ import annotations

from prefect import flow

from flows.report import Report, listed, reporting
from tasks.errors import PermanentError
from tasks.progress import say
from tasks.vertex.resources.findings import Finding
from tasks.vertex.resources.preconditions import read_preconditions
from tasks.vertex.settings import VertexTarget, vertex_settings
from tasks.vertex.specs import EndpointKind


class PreconditionsMissing(PermanentError):
    """A build would fail."""

    def __init__(self, missing: list[Finding]) -> None:
        self.missing = missing
        super().__init__(
            f"A build would fail on {listed(one.what for one in missing)}; what mends it is said above."
        )


@flow(name="vertex check", flow_run_name="check {target}")
def check_preconditions(*, target: VertexTarget, endpoint: EndpointKind = "public") -> Report:
    """Say what a build needs and does not find, and the command that mends it.

    Looks at credentials, the APIs, the bucket's region, and for private endpoints at the network and where this runs.

    Args:
        target: Where to look: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        endpoint: The kind of endpoint that is to be built; private ones need a network.

    Example:
        vector-search vertex check --target google-cloud --endpoint vpc
    """
    settings = vertex_settings(target)
    with reporting("vertex check", settings.project, target) as report:
        findings = read_preconditions(settings, endpoint)
        for finding in findings:
            with report.step(finding.what) as step:
                step.saw(
                    finding.seen if finding.state == "not needed" else f"{finding.state}: {finding.seen}"
                )
                if finding.command:
                    step.saw(f"mend it with: {finding.command}")
            say(f"{finding.what}: {step.seen}")
        missing = [finding for finding in findings if finding.is_in_the_way]
        if missing:
            raise PreconditionsMissing(missing)
    return report
