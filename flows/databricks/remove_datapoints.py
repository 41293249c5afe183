"""`databricks remove-datapoints`: remove rows from an index."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.plans import removal_plan
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from flows.versions.changes import of
from tasks.databricks.loading import apply_removals
from tasks.databricks.searches import read_present
from tasks.databricks.versions import read_changed_versions


class RemoveDatapointsOptions(BuiltIndexOptions, Timed, frozen=True):
    """The options of `databricks remove-datapoints`."""

    ids: tuple[str, ...] = Field(min_length=1, description="The ids to remove.")


@engine_flow(DATABRICKS, "remove-datapoints", run_name="remove from {name} on {target}")
def remove_datapoints(options: RemoveDatapointsOptions) -> Report:
    """Remove rows from an index. Ids that it does not hold are counted, which is no error.

    If the name has several versions, the rows go from each of them.

    Example:
        vector-search databricks remove-datapoints --name products --ids 17 42 --target sandbox
    """
    ids = sorted(set(options.ids))
    with running(DATABRICKS, "remove-datapoints", options) as run:
        versions = read_changed_versions(run.settings, options.name)
        agree([], yes=True, plan=lambda: removal_plan(run, versions, ids))
        for index in versions:
            with run.report.step(f"remove the rows{of(index, versions)}") as step:
                removed = len(read_present(run.settings, index, ids))
                # All of them: a row that was upserted a moment ago is not found yet, and would show later.
                apply_removals(run.settings, index, ids, run.deadline)
                step.saw(f"{removed:,} removed, {len(ids) - removed:,} were not found")
            # Of the served one, which comes first.
            run.report.facts.setdefault("removed", removed)
    return run.report
