"""`databricks upsert-datapoints`: create or replace rows of an index."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.confirmation import agree
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.plans import upsert_plan
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from flows.versions.changes import of
from tasks.databricks.files import apply_row_file, read_row_file
from tasks.databricks.versions import read_changed_versions
from tasks.plurals import counted


class UpsertDatapointsOptions(BuiltIndexOptions, Timed, frozen=True):
    """The options of `databricks upsert-datapoints`."""

    file: str = Field(
        min_length=1,
        description='JSON lines: {"id": "heat", "year": 1995, "embedding": [...]}, with the columns of the index.',
    )


@engine_flow(DATABRICKS, "upsert-datapoints", run_name="upsert into {name} on {target}")
def upsert_datapoints(options: UpsertDatapointsOptions) -> Report:
    """Create or replace rows of an index, in batches of at most 1,000.

    A row replaces the stored one with the same id completely. All are validated before the first is sent. Run it again after an
    interruption: what was stored is stored again. Rows that the service refuses are named. If the name
    has several versions, the rows go to each of them, or are refused.

    Example:
        vector-search databricks upsert-datapoints --name products --file new.jsonl --target sandbox
    """
    path = Path(options.file)
    with running(DATABRICKS, "upsert-datapoints", options) as run:
        versions = read_changed_versions(run.settings, options.name)
        with run.report.step("validate the rows") as step:
            total = read_row_file(path, versions[0])
            step.saw(f"{counted(total, 'row')}, nothing wrong")
        agree([], yes=True, plan=lambda: upsert_plan(run, versions, total))
        for index in versions:
            with run.report.step(f"upsert the rows{of(index, versions)}") as step:
                stored = apply_row_file(run.settings, index, path, total, run.deadline)
                step.saw(f"{stored:,} stored; they show within seconds")
        run.report.facts["stored"] = total
    return run.report
