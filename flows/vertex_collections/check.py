"""`vertex-collections check`: the prerequisites of a collection, and a command to fix each one that is missing."""

from __future__ import annotations

from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.vertex.check import PreconditionsMissing
from flows.vertex.options import VertexOptions
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from tasks.progress import say
from tasks.vertex_collections.preconditions import read_collection_preconditions


class CheckCollectionsOptions(VertexOptions, frozen=True):
    """The options of `vertex-collections check`."""


@engine_flow(VERTEX_COLLECTIONS, "check", run_name="check {target}")
def check_collections(options: CheckCollectionsOptions) -> Report:
    """Check the prerequisites of a collection and say how to fix what is missing.

    Checks credentials, the API, whether the service answers in the location, and the bucket's region.

    Example:
        vector-search vertex-collections check --target google-cloud
    """
    settings = VERTEX_COLLECTIONS.settings(options.target)
    with reporting("vertex-collections check", settings.project, options.target) as report:
        findings = read_collection_preconditions(settings)
        for finding in findings:
            with report.step(finding.what) as step:
                step.saw(
                    finding.seen if finding.state == "not needed" else f"{finding.state}: {finding.seen}"
                )
                if finding.command:
                    step.saw(f"fix it with: {finding.command}")
            say(f"{finding.what}: {step.seen}")
        missing = [finding for finding in findings if finding.is_in_the_way]
        if missing:
            raise PreconditionsMissing(missing)
    return report
