"""`vertex-collections upsert-data-objects`: create or replace data objects of a collection."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.confirmation import agree
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from flows.vertex_collections.options import BuiltCollectionOptions
from flows.vertex_collections.plans import upsert_plan
from tasks.plurals import counted
from tasks.vertex_collections.collections import read_loaded_collection
from tasks.vertex_collections.files import apply_data_object_file, read_data_object_file
from tasks.vertex_collections.searches import read_count


class UpsertDataObjectsOptions(BuiltCollectionOptions, Timed, frozen=True):
    """The options of `vertex-collections upsert-data-objects`."""

    file: str = Field(
        min_length=1,
        description="JSON lines: id, data, and embedding or vectors, as in import files; ids as your data has them.",
    )


@engine_flow(VERTEX_COLLECTIONS, "upsert-data-objects", run_name="upsert into {name} on {target}")
def upsert_data_objects(options: UpsertDataObjectsOptions) -> Report:
    """Create or replace data objects of a collection, in batches of at most 1,000.

    A data object replaces the stored one with the same id completely. All are validated before the first is sent. Run it
    again after an interruption: what was stored is stored again.

    Example:
        vector-search vertex-collections upsert-data-objects --name products --file new.jsonl --target sandbox
    """
    name, path = options.name, Path(options.file)
    with running(VERTEX_COLLECTIONS, "upsert-data-objects", options) as run:
        settings, report = run.settings, run.report
        collection = read_loaded_collection(settings, name)
        with report.step("validate the data objects") as step:
            total = read_data_object_file(path, collection)
            step.saw(f"{counted(total, 'data object')}, nothing wrong")
        agree([], yes=True, plan=lambda: upsert_plan(run, total))
        with report.step("upsert the data objects") as step:
            step.saw(f"{apply_data_object_file(settings, collection, path, total, run.deadline):,} stored")
        with report.step(f"count the data objects of {name}") as step:
            report.facts["data_objects"] = read_count(settings, name)
            step.saw(f"{report.facts['data_objects']:,}")
    return report
