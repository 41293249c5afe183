"""`vertex-collections remove-data-objects`: remove data objects from a collection."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from flows.confirmation import agree
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.plan import Plan
from flows.report import Report
from flows.runs import running
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from flows.vertex_collections.options import BuiltCollectionOptions, CollectionsRun
from flows.vertex_collections.plans import removal_plan
from tasks.vertex_collections.collections import read_loaded_collection
from tasks.vertex_collections.ids import data_object_id
from tasks.vertex_collections.loading import apply_removals, read_present
from tasks.vertex_collections.searches import read_count


class RemoveDataObjectsOptions(BuiltCollectionOptions, Timed, frozen=True):
    """The options of `vertex-collections remove-data-objects`."""

    ids: tuple[str, ...] = Field(min_length=1, description="The ids to remove, as your data has them.")


@engine_flow(VERTEX_COLLECTIONS, "remove-data-objects", run_name="remove from {name} on {target}")
def remove_data_objects(options: RemoveDataObjectsOptions) -> Report:
    """Remove data objects from a collection. Ids that it does not hold are left out and counted.

    Example:
        vector-search vertex-collections remove-data-objects --name products --ids 17 42 --target sandbox
    """
    name, ids = options.name, [data_object_id(each, source="ids") for each in options.ids if each]
    with running(VERTEX_COLLECTIONS, "remove-data-objects", options) as run:
        settings, report = run.settings, run.report
        read_loaded_collection(settings, name)
        agree([], yes=True, plan=lambda: _plan(run, ids))
        with report.step("remove the data objects") as step:
            removed = apply_removals(settings, name, ids, run.deadline)
            step.saw(f"{removed:,} removed, {len(set(ids)) - removed:,} were not there")
        with report.step(f"count the data objects of {name}") as step:
            report.facts["data_objects"] = read_count(settings, name)
            step.saw(f"{report.facts['data_objects']:,}")
    return report


def _plan(run: CollectionsRun, ids: Sequence[str]) -> Plan:
    going = read_present(run.settings, run.report.name, ids)
    return removal_plan(run, going=len(going), absent=len(set(ids) - going))
