"""`elastic prune`: remove the embedded indices of a name that are neither used nor kept for a rollback."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import Question, agree
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.plans import prune_plan
from flows.elastic.privileges import ask_privileges, to_tear_down
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement
from flows.report import Report
from flows.runs import running
from tasks.elastic.indices.indices import remove_index
from tasks.elastic.indices.pipelines import remove_pipeline
from tasks.elastic.indices.superseded import Superseded, read_superseded
from tasks.elastic.specs import Name
from tasks.plurals import listed
from tasks.progress import say


class PruneOptions(ElasticOptions, Confirmed, Timed, frozen=True):
    """The options of `elastic prune`."""

    name: Name = Field(description="The alias.")
    yes: bool = agreement("the removal")


@engine_flow(ELASTIC, "prune", run_name="prune {name} on {target}")
def prune_embedded(options: PruneOptions) -> Report:
    """Remove the embedded indices that earlier runs of embed and upgrade have left behind, with their pipelines.

    What the alias points at stays, and what a rollback goes back to or came from; also an index that another alias points at.
    Lists what would be removed and asks for confirmation.

    Example:
        vector-search elastic prune --name films --target sandbox --yes
    """
    with running(ELASTIC, "prune", options) as run:
        ask_privileges(run, *to_tear_down(options.name, models=False))
        there = read_superseded(run.settings, options.name)
        kept = "; ".join(f"{one.index} ({one.why})" for one in there.kept)
        going = [f"index {one}" for one in there.indices] + [f"pipeline {one}" for one in there.pipelines]
        consequence = f"It would remove, for good: {'; '.join(going)}. These stay: {kept or 'none'}."
        question = Question("remove the indices that nothing uses", consequence)
        agree([question] if going else [], yes=options.yes, plan=lambda: prune_plan(run, there))
        if not going:
            say(f"Nothing to do: every index of {options.name} is used or kept. {kept}")
            return run.report
        _remove(run, there)
        run.report.facts["kept"] = {one.index: one.why for one in there.kept}
    return run.report


def _remove(run: ElasticRun, there: Superseded) -> None:
    """Remove the indices first: what filled an index that stays is known from the index."""
    with run.report.step(f"remove what nothing uses of {there.name}") as step:
        gone = [one for index in there.indices for one in remove_index(run.settings, index, run.deadline)]
        gone += [one for pipeline in there.pipelines for one in remove_pipeline(run.settings, pipeline)]
        step.saw(listed(gone))
