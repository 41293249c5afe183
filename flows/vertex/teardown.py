"""`vertex teardown`: remove everything that was built under a name, in the order that the service allows."""

from __future__ import annotations

from collections.abc import Sequence

from flows.confirmation import Question, agree
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.plan import Plan, Resource, is_planning
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions, VertexRun
from flows.vertex.sharing import sharing
from tasks.calls import ServiceRefused
from tasks.errors import GateNotMet, InvalidInput, PermanentError
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.vertex.imports.buckets import remove_bucket
from tasks.vertex.imports.import_data import forget_local_import_files
from tasks.vertex.imports.passage_files import remove_passage_files
from tasks.vertex.imports.storage import remove_import_files
from tasks.vertex.network.private_service_connect import remove_way, way_name
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.deploying import remove_deployed_index
from tasks.vertex.resources.indexes import remove_index
from tasks.vertex.resources.inventory import (
    Inventory,
    StoredInventory,
    read_inventory,
    read_stored_inventory,
    refuse_ties,
)
from tasks.vertex.resources.sharing import remove_endpoints
from tasks.vertex.settings import VertexSettings


class TeardownOptions(BuiltIndexOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex teardown`."""

    yes: bool = agreement("the removal")
    timeout_minutes: float = timeout(120)


@engine_flow(VERTEX, "teardown", run_name="teardown {name} on {target}")
def teardown_index(options: TeardownOptions) -> Report:
    """Remove everything that was built under a name, and nothing else.

    Lists what would be removed and asks for confirmation. What is billed by the hour goes first; import files that these
    credentials cannot delete are reported and stay. If others deployed an index on the endpoint, or the index on an endpoint of
    theirs, nothing is removed and they are named. Unfinished operations of an earlier run are ended, so that nothing
    appears later. What `vertex network-ensure` made stays, for `vertex network-teardown`. An endpoint that other names use stays, and goes with the last of them. The bucket is deleted too if this project created it and it is empty.

    Example:
        vector-search vertex teardown --name products --target sandbox --yes
    """
    name = options.name
    with running(VERTEX, "teardown", options) as run:
        there = read_inventory(run.settings, name, run.deadline)
        # What is billed by the hour does not wait for a bucket that responds late or never.
        if there.is_empty or not options.yes or is_planning():
            stored = read_stored_inventory(run.settings, name)
            is_nothing = there.is_empty and stored.is_empty
            refuse_ties(name, there)
            removal = Question("remove all of it", f"It would remove: {there}; {stored}.")
            agree([] if is_nothing else [removal], yes=options.yes, plan=lambda: _plan(run, there, stored))
            if is_nothing:
                say(_nothing(run.settings, name, stored))
                return run.report
        run.report.facts["left"] = teardown(run, name)
    return run.report


def _plan(run: VertexRun, there: Inventory, stored: StoredInventory) -> Plan:
    going = {
        "deployed index": (*there.deployed_indexes, *there.deploying),
        "endpoint": map(own_id, there.endpoints),
        "index": map(own_id, there.indexes),
        "forwarding rule": (way_name(run.report.name, one) for one in there.connected),
    }
    resources = [
        Resource(action="remove", kind=kind, name=one) for kind, names in going.items() for one in names
    ]
    if not stored.is_empty or stored.refused:
        bucket = run.settings.bucket_name
        resources.append(Resource(action="remove", kind="files", name=bucket, detail=str(stored)))
    resources += [Resource(action="keep", kind="endpoint", name=one) for one in there.shared]
    hourly = "What was paid for the deployed indexes ends." if there.deployed_indexes else ""
    return run.plan(*resources, hourly=hourly, hourly_usd=0.0)


def _nothing(settings: VertexSettings, name: str, stored: StoredInventory) -> str:
    where = f"project {settings.project}, location {settings.location}"
    said = f"Nothing to do: there is nothing of ours under the name {name!r} in {where}"
    if stored.refused:
        return f"{said}. Whether bucket {settings.bucket_name} holds import files of it is unknown: {stored.refused}"
    return f"{said}, bucket {settings.bucket_name}."


def _without_ways(run: VertexRun, name: str, versions: Sequence[str]) -> str:
    """Remove what the builds of these versions made to reach them: an address and a forwarding rule each, which are billed."""
    try:
        gone = [one for each in versions for one in remove_way(run.settings, name, each, run.deadline)]
    except PermanentError as error:  # what costs more goes all the same
        removal = command("vertex network-teardown", name=name)
        say(f"Forwarding rules to versions of {name} stay, and are billed: {error} `{removal}` removes them.")
        return f"not all: {error}"
    return f"{len(gone)} removed"


def teardown(run: VertexRun, name: str) -> str:
    """Chain the steps of a teardown and check that nothing is left. The tour calls this too.

    Returns:
        What is left: nothing, or what these credentials cannot delete from the bucket.

    Raises:
        TiedToOthers: others use what would go; nothing was changed.
        GateNotMet: something else is left.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    there = read_inventory(settings, name, deadline)
    refuse_ties(name, there)
    refused = ""
    with sharing(run, name, *there.endpoint_names):
        with report.step(f"undeploy index {name}") as step:
            step.saw(f"{len(remove_deployed_index(settings, name, deadline))} undeployed")
        if there.connected:
            with report.step(f"remove the ways to versions of {name}") as step:
                step.saw(_without_ways(run, name, there.connected))
        with report.step(f"remove endpoint {name}") as step:
            gone = remove_endpoints(settings, name, there.endpoint_names, deadline)
            step.saw(f"{len(gone)} removed")
    with report.step(f"remove index {name}") as step:
        step.saw(f"{len(remove_index(settings, name, deadline))} removed")
    with report.step(f"remove import files of {name}") as step:
        forget_local_import_files(settings, name)
        try:
            step.saw(f"{len(remove_import_files(settings, name))} removed")
            if passages := remove_passage_files(settings, name):
                step.saw(f"{counted(len(passages), 'file')} of passages")
            step.saw("the bucket too" if remove_bucket(settings) else "no bucket removed")
        except (ServiceRefused, InvalidInput) as error:
            say(f"Import files of {name}, if there are any, stay in bucket {settings.bucket_name}: {error}")
            step.saw(f"not all: {error}")
            refused = str(error)
    with report.step(f"check that nothing is left of {name}") as step:
        there, stored = read_inventory(settings, name, deadline), read_stored_inventory(settings, name)
        if not there.is_empty or (stored.import_files and not refused):
            measured = f"{there}; {stored}"
            raise GateNotMet(
                f"What is left of {name}", measured=measured, wanted="nothing", remedy="Run it again."
            )
        step.saw(str(stored))
    return str(stored)
