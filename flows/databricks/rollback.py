"""`databricks rollback`: serve the version before the last swap again."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.version_steps import say_versions
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.runs import running
from tasks.databricks.versions import ensure_rollback, read_versions
from tasks.progress import say


class RollbackOptions(BuiltIndexOptions, frozen=True):
    """The options of `databricks rollback`."""

    @property
    def timeout_minutes(self) -> float:
        """Enough for the slot of a killed run to become free; moving the mark takes a moment."""
        return 5


@engine_flow(DATABRICKS, "rollback", run_name="roll back {name} on {target}")
def roll_back(options: RollbackOptions) -> Report:
    """Serve the version before the last swap again. A second rollback changes nothing.

    Example:
        vector-search databricks rollback --name products --target sandbox
    """
    name = options.name
    with running(DATABRICKS, "rollback", options) as run:
        before = read_versions(run.settings, name)
        with run.report.step(f"roll back {name}") as step:
            endpoint = ensure_rollback(run.settings, name).there
            step.saw(f"serves {endpoint.serves}, before {endpoint.rolled_back_from}")
        if before.endpoint.rolled_back_from:
            say("Nothing to do: it is already rolled back.")
        run.report.facts["versions"] = say_versions(read_versions(run.settings, name))
    return run.report
