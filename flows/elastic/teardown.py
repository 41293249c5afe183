"""`elastic teardown`: remove what was embedded under a name; never its source, and the model only on request."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from flows.confirmation import Question, agree
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.privileges import ask_privileges, to_tear_down
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement
from flows.plan import Plan, Resource
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.deployment_states import read_deployments
from tasks.elastic.cluster.deployments import remove_deployment
from tasks.elastic.cluster.models import remove_model
from tasks.elastic.indices.aliases import remove_alias
from tasks.elastic.indices.indices import remove_index
from tasks.elastic.indices.inventory import Inventory, read_inventory
from tasks.elastic.indices.pipelines import remove_pipeline
from tasks.elastic.specs import Name
from tasks.errors import GateNotMet
from tasks.plurals import listed
from tasks.progress import say


class TeardownOptions(ElasticOptions, Confirmed, Timed, frozen=True):
    """The options of `elastic teardown`."""

    name: Name = Field(description="The alias that it was embedded under.")
    deployments: tuple[str, ...] = Field(default=(), description="Also stop these deployments.")
    model_id: str | None = Field(default=None, description="Also delete this model.")
    yes: bool = agreement("the removal")


@engine_flow(ELASTIC, "teardown", run_name="teardown {name} on {target}")
def teardown_embedded(options: TeardownOptions) -> Report:
    """Remove what was embedded under a name: alias, indices and pipelines. Never the source index.

    Lists what would be removed and asks for confirmation.

    Example:
        vector-search elastic teardown --name films --deployments movies-ingest --target sandbox --yes
    """
    name, model_id = options.name, options.model_id
    with running(ELASTIC, "teardown", options) as run:
        settings, report = run.settings, run.report
        ask_privileges(run, *to_tear_down(name, models=bool(options.deployments or model_id)))
        there = read_inventory(settings, name)
        running_now = {deployment.id for deployment in read_deployments(settings)}
        going = [f"deployment {one}" for one in options.deployments if one in running_now]
        going += [f"model {model_id}"] if model_id else []
        everything = "; ".join([*([str(there)] if not there.is_empty else []), *going])
        removal = Question("remove all of it", f"It would remove: {everything}.")
        agree([removal] if everything else [], yes=options.yes, plan=lambda: _plan(run, there, going))
        if not everything:
            say(f"Nothing to do: there is nothing of ours under the name {name!r}.")
            return report
        teardown(run, there)
        for one in options.deployments:
            with report.step(f"stop deployment {one}") as step:
                step.saw("stopped" if remove_deployment(settings, one, run.deadline) else "was not there")
        if model_id:
            with report.step(f"delete model {model_id}") as step:
                step.saw("deleted" if remove_model(settings, model_id) else "was not there")
        verify_nothing_left(run, name)
    return report


def _plan(run: ElasticRun, there: Inventory, also: Sequence[str]) -> Plan:
    going = [("alias", there.name)] if there.alias else []
    going += [("index", one) for one in there.indices] + [("pipeline", one) for one in there.pipelines]
    going += [(kind, one) for kind, _, one in (each.partition(" ") for each in also)]
    resources = [Resource(action="remove", kind=kind, name=one) for kind, one in going]
    return run.plan(*resources, hourly_usd=0.0)


def teardown(run: ElasticRun, there: Inventory) -> None:
    """Remove alias, indices and pipelines of a name, in an order that never lets a search run into half of them."""
    with run.report.step(f"remove what was embedded as {there.name}") as step:
        if there.alias:
            remove_alias(run.settings, there.name)
        for index in there.indices:
            remove_index(run.settings, index, run.deadline)
        for pipeline in there.pipelines:
            remove_pipeline(run.settings, pipeline)
        step.saw(listed([*there.indices, *there.pipelines]))


def verify_nothing_left(run: ElasticRun, *names: str) -> None:
    """Check that nothing of ours is left under these names.

    Raises:
        GateNotMet: something is left.
    """
    with run.report.step(f"check that nothing is left of {listed(names)}") as step:
        for name in names:
            left = read_inventory(run.settings, name)
            if not left.is_empty:
                raise GateNotMet(f"What is left of {name}", measured=str(left), wanted="nothing")
        step.saw("nothing")
