"""`vertex check`: the prerequisites of a build, and a command to fix each one that is missing. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.findings import refuse_missing, tell
from flows.report import Report, reporting
from flows.versions.changes import versions_in_words
from flows.vertex.engine import VERTEX
from flows.vertex.options import VertexOptions
from tasks.vertex.resources.preconditions import read_preconditions
from tasks.vertex.resources.versions import read_versions
from tasks.vertex.specs import EndpointKind, Name


class CheckOptions(VertexOptions, frozen=True):
    """The options of `vertex check`."""

    endpoint: EndpointKind = Field(
        default="public", description="The kind of endpoint to build; private ones need a network."
    )
    name: Name | None = Field(
        default=None,
        description="Also say which version is served under this name, and which others there are.",
    )


@engine_flow(VERTEX, "check", run_name="check {target}")
def check_preconditions(options: CheckOptions) -> Report:
    """Check the prerequisites of a build and say how to fix what is missing.

    Checks credentials, the APIs, the bucket's region and, for private endpoints, the network and where this runs.

    Example:
        vector-search vertex check --target google-cloud --endpoint vpc
    """
    settings = VERTEX.settings(options.target)
    with reporting("vertex check", settings.project, options.target, settings.location) as report:
        findings = read_preconditions(settings, options.endpoint)
        tell(report, findings)
        if options.name:
            with report.step(f"versions of {options.name}") as step:
                step.saw(versions_in_words(read_versions(settings, options.name)))
        refuse_missing(findings)
    return report
