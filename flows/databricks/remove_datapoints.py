"""`databricks remove-datapoints`: remove rows from an index."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from tasks.databricks.indexes import read_loaded_index
from tasks.databricks.loading import apply_removals
from tasks.databricks.searches import read_present


class RemoveDatapointsOptions(BuiltIndexOptions, Timed, frozen=True):
    """The options of `databricks remove-datapoints`."""

    ids: tuple[str, ...] = Field(min_length=1, description="The ids to remove.")


@engine_flow(DATABRICKS, "remove-datapoints", run_name="remove from {name} on {target}")
def remove_datapoints(options: RemoveDatapointsOptions) -> Report:
    """Remove rows from an index. Ids that it does not hold are left out and counted.

    Example:
        vector-search databricks remove-datapoints --name products --ids 17 42 --target sandbox
    """
    ids = sorted(set(options.ids))
    with running(DATABRICKS, "remove-datapoints", options) as run:
        index = read_loaded_index(run.settings, options.name)
        with run.report.step("remove the rows") as step:
            present = sorted(read_present(run.settings, index, ids))
            removed = apply_removals(run.settings, index, present, run.deadline)
            step.saw(f"{removed:,} removed, {len(ids) - removed:,} were not there")
        run.report.facts["removed"] = removed
    return run.report
