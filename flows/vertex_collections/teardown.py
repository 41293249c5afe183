"""`vertex-collections teardown`: remove a collection that was built under a name, with all that belongs to it."""

from __future__ import annotations

from flows.confirmation import Question, agree
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.plan import Plan, Resource, is_planning
from flows.report import Report
from flows.runs import running
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from flows.vertex_collections.options import BuiltCollectionOptions, CollectionsRun
from tasks.calls import ServiceRefused
from tasks.errors import GateNotMet, InvalidInput
from tasks.progress import say
from tasks.vertex.imports.buckets import remove_bucket
from tasks.vertex.imports.import_data import forget_local_import_files
from tasks.vertex.imports.storage import remove_import_files
from tasks.vertex.resources.inventory import StoredInventory, read_stored_inventory
from tasks.vertex_collections.collections import remove_collection
from tasks.vertex_collections.imports import files_of, remove_import_errors
from tasks.vertex_collections.inventory import (
    CollectionInventory,
    read_collection_inventory,
    refuse_foreign_indexes,
)


class TeardownCollectionOptions(BuiltCollectionOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex-collections teardown`."""

    yes: bool = agreement("the removal")
    timeout_minutes: float = timeout(60)


@engine_flow(VERTEX_COLLECTIONS, "teardown", run_name="teardown {name} on {target}")
def teardown_collection(options: TeardownCollectionOptions) -> Report:
    """Remove a collection that was built under a name, with its index, data objects and files, and nothing else.

    Lists what would be removed and asks for confirmation. If others made an index in the collection, nothing is removed and it
    is named. Import files that these credentials cannot delete are reported and stay. The bucket is deleted too if this
    project created it and it is empty.

    Example:
        vector-search vertex-collections teardown --name products --target sandbox --yes
    """
    name = options.name
    with running(VERTEX_COLLECTIONS, "teardown", options) as run:
        there = read_collection_inventory(run.settings, name)
        refuse_foreign_indexes(name, there)
        if there.is_empty or not options.yes or is_planning():
            stored = read_stored_inventory(run.settings, files_of(name))
            is_nothing = there.is_empty and stored.is_empty
            removal = Question("remove all of it", f"It would remove: {there}; {stored}.")
            agree([] if is_nothing else [removal], yes=options.yes, plan=lambda: _plan(run, there, stored))
            if is_nothing:
                say(
                    f"Nothing to do: there is no collection of ours under the name {name!r} in project {run.settings.project}, "
                    f"location {run.settings.location}."
                )
                return run.report
        run.report.facts["left"] = _teardown(run, name)
    return run.report


def _plan(run: CollectionsRun, there: CollectionInventory, stored: StoredInventory) -> Plan:
    going = {"index": there.indexes, "collection": (there.collection,) if there.collection else ()}
    resources = [
        Resource(action="remove", kind=kind, name=one) for kind, names in going.items() for one in names
    ]
    if there.making:
        resources.append(
            Resource(action="remove", kind="collection", name=run.report.name, detail="being created")
        )
    if not stored.is_empty or stored.refused:
        bucket = run.settings.bucket_name
        resources.append(Resource(action="remove", kind="files", name=bucket, detail=str(stored)))
    return run.plan(*resources, hourly_usd=0.0)


def _teardown(run: CollectionsRun, name: str) -> str:
    settings, report, files, refused = run.settings, run.report, files_of(name), ""
    with report.step(f"remove collection {name}") as step:
        step.saw(f"{len(remove_collection(settings, name, run.deadline))} removed")
    with report.step(f"remove import files of {name}") as step:
        forget_local_import_files(settings, files)
        try:
            step.saw(f"{len(remove_import_files(settings, files))} removed")
            remove_import_errors(settings, name)
            step.saw("the bucket too" if remove_bucket(settings) else "no bucket removed")
        except (ServiceRefused, InvalidInput) as error:
            say(f"Import files of {name}, if there are any, stay in bucket {settings.bucket_name}: {error}")
            step.saw(f"not all: {error}")
            refused = str(error)
    with report.step(f"check that nothing is left of {name}") as step:
        there, stored = read_collection_inventory(settings, name), read_stored_inventory(settings, files)
        if not there.is_empty or (stored.import_files and not refused):
            measured = f"{there}; {stored}"
            raise GateNotMet(
                f"What is left of {name}", measured=measured, wanted="nothing", remedy="Run it again."
            )
        step.saw(str(stored))
    return str(stored)
