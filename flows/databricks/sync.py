"""`databricks sync`: bring a Delta Sync index up to date with its source table."""

from __future__ import annotations

from flows.confirmation import agree
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import VersionOptions
from flows.databricks.plans import sync_plan
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.databricks.indexes import read_index
from tasks.databricks.source_tables import read_row_count
from tasks.databricks.syncs import apply_sync, wait_for_sync
from tasks.errors import InvalidInput


class SyncIndexOptions(VersionOptions, Timed, frozen=True):
    """The options of `databricks sync`."""

    timeout_minutes: float = timeout(240)


@engine_flow(DATABRICKS, "sync", run_name="sync {name} on {target}")
def sync_index(options: SyncIndexOptions) -> Report:
    """Sync a Delta Sync index with its source table and compare the numbers of rows.

    Ends when the pipeline has, and fails if the pipeline did: the index then still answers queries, with the rows of the last good
    sync. A sync that is under way is waited for first. Run it again after an interruption.

    Example:
        vector-search databricks sync --name products --target sandbox
    """
    name = options.name
    with running(DATABRICKS, "sync", options) as run:
        settings, report, deadline = run.settings, run.report, run.deadline
        index = read_index(settings, name, options.version)
        if index.is_direct:
            raise InvalidInput(
                "This index has no source table: its rows are written with upsert-datapoints",
                value=name,
                source="name",
            )
        with report.step("count the rows of the source table") as step:
            rows = read_row_count(settings, name, deadline, index.version)
            step.saw(f"{rows:,}")
        agree([], yes=True, plan=lambda: sync_plan(run, index, rows))
        with report.step(f"sync index {index.shown}") as step:
            apply_sync(settings, name, deadline, index.version)
            index = wait_for_sync(settings, name, rows, deadline, index.version)
            step.saw(f"{index.state}, {index.rows:,} rows")
        report.facts |= {"rows": index.rows, "state": index.state}
    return report
