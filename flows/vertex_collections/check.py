"""`vertex-collections check`: the prerequisites of a collection, and a command to fix each one that is missing."""

from __future__ import annotations

from flows.engine_flow import engine_flow
from flows.findings import refuse_missing, tell
from flows.report import Report, reporting
from flows.vertex.options import VertexOptions
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
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
    with reporting("vertex-collections check", settings.project, options.target, settings.location) as report:
        findings = read_collection_preconditions(settings)
        tell(report, findings)
        refuse_missing(findings)
    return report
