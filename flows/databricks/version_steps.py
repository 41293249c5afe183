"""The steps that serve a version of a name, and that prune those which are not served."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DatabricksRun
from flows.versions.changes import VersionSteps
from tasks.databricks.endpoints import remove_marks
from tasks.databricks.index_lifecycle import remove_index
from tasks.databricks.source_tables import remove_table
from tasks.databricks.versions import ensure_rollback, ensure_swap, read_versions


def prune(run: DatabricksRun, name: str) -> list[str]:
    """Remove every version of a name that is not served. Returns the versions that went.

    Raises:
        NoSuchVersion: what is to be served is not there, so that nothing would be left.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    there = read_versions(settings, name)
    going = there.others
    if going:
        there.check_servable(there.serves)
    for version in going:
        with report.step(f"remove version {version} of {name}") as step:
            removed = [
                *remove_index(settings, name, deadline, version),
                *remove_table(settings, name, version),
            ]
            # Last: by its marks the next run finds what a killed one has left.
            remove_marks(settings, name, version)
            step.saw(f"{' and '.join(removed) or 'nothing'} removed")
    return [*going]


VERSIONS = VersionSteps(
    engine=DATABRICKS,
    read=read_versions,
    read_all=lambda run, name: read_versions(run.settings, name),
    serve=ensure_swap,
    roll_back=ensure_rollback,
    prune=prune,
)
