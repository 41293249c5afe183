"""`elastic rollback`: point the alias back at the previous index."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.elastic.plans import rollback_plan
from flows.elastic.privileges import ask_privileges, to_roll_back
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.runs import running
from tasks.elastic.indices.aliases import ensure_rollback, read_rollback
from tasks.elastic.specs import Name
from tasks.progress import say


class RollbackOptions(ElasticOptions, frozen=True):
    """The options of `elastic rollback`."""

    name: Name = Field(description="The alias.")
    to: str | None = Field(
        default=None,
        description="The index to go back to. Default: the one that the alias pointed at before.",
    )

    @property
    def timeout_minutes(self) -> float:
        """Enough for the slot of a killed run to become free; moving an alias takes a moment."""
        return 5


@engine_flow(ELASTIC, "rollback", run_name="roll back {name} on {target}")
def roll_back(options: RollbackOptions) -> Report:
    """Point the alias back at the previous index. A second rollback changes nothing.

    Example:
        vector-search elastic rollback --name films --target sandbox
    """
    with running(ELASTIC, "rollback", options) as run:
        ask_privileges(run, *to_roll_back(options.name))
        agree(
            [],
            yes=True,
            plan=lambda: rollback_plan(run, read_rollback(run.settings, options.name, options.to)),
        )
        with run.report.step(f"alias {options.name}") as step:
            move = ensure_rollback(run.settings, options.name, options.to)
            there = move.there
            step.saw(
                f"points at {there.index}, before at {there.rolled_back_from or there.previous or 'nothing'}"
            )
        if not move.changed:
            say("Nothing to do: the alias is already rolled back.")
    return run.report
