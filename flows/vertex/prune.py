"""`vertex prune`: remove the versions that are not served."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from flows.vertex.version_steps import prune, prune_questions, say_versions
from tasks.plurals import listed
from tasks.progress import say
from tasks.vertex.resources.versions import read_versions


class PruneOptions(BuiltIndexOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex prune`."""

    after_hours: float = Field(
        default=0,
        ge=0,
        le=24 * 366,
        description="Only if the last swap or rollback was at least this many hours ago: for a schedule.",
    )
    yes: bool = agreement("the removal")
    timeout_minutes: float = timeout(120)


@engine_flow(VERTEX, "prune", run_name="prune {name} on {target}")
def prune_versions(options: PruneOptions) -> Report:
    """Remove every version of a name that is not served: it is undeployed, then its index and its import files go.

    Its deployed index id stops answering. A rollback is not possible afterwards.

    Example:
        vector-search vertex prune --name products --target sandbox --yes
    """
    name = options.name
    with running(VERTEX, "prune", options) as run:
        there = read_versions(run.settings, name, run.deadline)
        if options.after_hours > there.hours_served:
            say(
                f"Nothing to do: no swap or rollback of {name} was {options.after_hours:g} hours ago or more."
            )
            return run.report
        agree(prune_questions(there, there.serves), yes=options.yes)
        gone = prune(run, name)
        say(f"Removed: {listed(gone)}." if gone else "Nothing to do: there is no version that is not served.")
        run.report.facts["versions"] = say_versions(read_versions(run.settings, name))
    return run.report
