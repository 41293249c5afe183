"""`databricks check`: the prerequisites of an index, and a command to fix each one that is missing. Changes nothing."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import WorkspaceOptions
from flows.engine_flow import engine_flow
from flows.findings import refuse_missing, tell
from flows.report import Report, reporting
from tasks.databricks.preconditions import read_preconditions


class CheckWorkspaceOptions(WorkspaceOptions, frozen=True):
    """The options of `databricks check`."""


@engine_flow(DATABRICKS, "check", run_name="check {target}")
def check_workspace(options: CheckWorkspaceOptions) -> Report:
    """Check the prerequisites of an index and say how to fix what is missing.

    Checks the login, the catalog and the schema with the privileges on them, how many endpoints there may be and which of ours are
    idle, and the SQL warehouse if one is set.

    Example:
        vector-search databricks check --target databricks
    """
    settings = DATABRICKS.settings(options.target)
    with reporting(
        "databricks check", settings.catalog_schema, options.target, DATABRICKS.where(settings)
    ) as report:
        findings = read_preconditions(settings)
        tell(report, findings)
        refuse_missing(findings)
    return report
