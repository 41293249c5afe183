"""`databricks teardown`: remove an index that was built under a name, with its endpoint."""

from __future__ import annotations

from flows.confirmation import Question, agree
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions, DatabricksRun
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement
from flows.plan import Plan, Resource
from flows.report import Report
from flows.runs import running
from tasks.databricks.endpoints import remove_endpoint
from tasks.databricks.index_lifecycle import remove_index
from tasks.databricks.inventory import Inventory, read_inventory, refuse_foreign_indexes
from tasks.databricks.source_tables import remove_table
from tasks.errors import GateNotMet
from tasks.plurals import counted
from tasks.progress import say


class TeardownIndexOptions(BuiltIndexOptions, Confirmed, Timed, frozen=True):
    """The options of `databricks teardown`."""

    yes: bool = agreement("the removal")


@engine_flow(DATABRICKS, "teardown", run_name="teardown {name} on {target}")
def teardown_index(options: TeardownIndexOptions) -> Report:
    """Remove what was built under a name: every version with its rows and its source table, the endpoint, and nothing else.

    Lists what would be removed and asks for confirmation. The endpoint goes once every index is gone, because until then the service
    refuses it. If others made an index on the endpoint, nothing is removed and it is named.

    Example:
        vector-search databricks teardown --name products --target sandbox --yes
    """
    name = options.name
    with running(DATABRICKS, "teardown", options) as run:
        settings, report = run.settings, run.report
        there = read_inventory(settings, name)
        refuse_foreign_indexes(name, there)
        removal = Question("remove all of it", f"It would remove: {there}.")
        agree([] if there.is_empty else [removal], yes=options.yes, plan=lambda: _plan(run, there))
        if there.is_empty:
            say(f"Nothing to do: there is nothing of ours under the name {name!r} in {settings.where}.")
            return report
        teardown(run, name, there)
    return report


def _plan(run: DatabricksRun, there: Inventory) -> Plan:
    name = run.report.name
    going = [("index", one.full_name, counted(one.rows, "row")) for one in there.indexes.values()]
    going += [("source table", table, "") for table in there.tables.values()]
    going += [("endpoint", name, "")] if there.endpoint else []
    resources = [Resource(action="remove", kind=kind, name=one, detail=detail) for kind, one, detail in going]
    return run.plan(*resources, hourly_usd=0.0)


def teardown(run: DatabricksRun, name: str, there: Inventory) -> None:
    """Remove what is there of a name, and check that nothing is left. Tours call this too.

    Raises:
        GateNotMet: something is left.
    """
    settings, report = run.settings, run.report
    for version, index in there.indexes.items():
        with report.step(f"remove index {index.full_name}") as step:
            step.saw("removed" if remove_index(settings, name, run.deadline, version) else "not there")
    for version, table in there.tables.items():
        with report.step(f"remove source table {table}") as step:
            step.saw("removed" if remove_table(settings, name, version) else "not there")
    with report.step(f"remove endpoint {name}") as step:
        step.saw("removed" if remove_endpoint(settings, name, run.deadline) else "not there")
    with report.step(f"check that nothing is left of {name}") as step:
        left = read_inventory(settings, name)
        if not left.is_empty:
            raise GateNotMet(
                f"What is left of {name}", measured=left, wanted="nothing", remedy="Run it again."
            )
        step.saw(str(left))
