"""`databricks check`: the prerequisites of an index, and a command to fix each one that is missing. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import WorkspaceOptions
from flows.engine_flow import engine_flow
from flows.findings import refuse_missing, tell
from flows.options import Timed, timeout
from flows.report import Report, reporting
from tasks.databricks.preconditions import read_preconditions, read_serving
from tasks.waiting import Deadline


class CheckWorkspaceOptions(WorkspaceOptions, Timed, frozen=True):
    """The options of `databricks check`."""

    serving_endpoint: tuple[str, ...] = Field(
        default=(),
        description="Model serving endpoints to wait for, until each is READY and its model answers.",
    )
    timeout_minutes: float = timeout(20)


@engine_flow(DATABRICKS, "check", run_name="check {target}")
def check_workspace(options: CheckWorkspaceOptions) -> Report:
    """Check the prerequisites of an index and say how to fix what is missing.

    Checks the login, the catalog and the schema with the privileges on them, how many endpoints there may be and which of ours are
    idle, and the SQL warehouse if one is set. A model serving endpoint that is named is waited for, also while a model that was scaled
    to zero starts; for that it is called once, with a few tokens.

    Example:
        vector-search databricks check --target databricks
    """
    settings = DATABRICKS.settings(options.target)
    with reporting(
        "databricks check", settings.catalog_schema, options.target, DATABRICKS.where(settings)
    ) as report:
        deadline = Deadline.after(minutes=options.timeout_minutes)
        findings = (
            *read_preconditions(settings),
            *(read_serving(settings, name, deadline) for name in options.serving_endpoint),
        )
        tell(report, findings)
        refuse_missing(findings)
    return report
