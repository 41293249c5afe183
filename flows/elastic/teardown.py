"""`elastic teardown`: what was embedded under a name goes; never its source, and the model only when asked."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.confirmation import confirm
from flows.report import Report, listed, reporting
from flows.slots import holding
from tasks.elastic.cluster.deployments import read_deployments, remove_deployment
from tasks.elastic.cluster.models import remove_model
from tasks.elastic.indices.aliases import remove_alias
from tasks.elastic.indices.indices import remove_index
from tasks.elastic.indices.inventory import Inventory, read_inventory
from tasks.elastic.indices.pipelines import remove_pipeline
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings
from tasks.elastic.specs import Name
from tasks.errors import GateNotMet
from tasks.progress import say
from tasks.waiting import Deadline


@flow(name="elastic teardown", flow_run_name="teardown {name} on {target}")
def teardown_embedded(
    *,
    name: Name,
    target: ElasticTarget,
    deployments: tuple[str, ...] = (),
    model_id: str | None = None,
    yes: bool = False,
    timeout_minutes: Annotated[float, Field(gt=0)] = 60,
) -> Report:
    """Remove what was embedded under a name: alias, indices and pipelines. Never the source index.

    Lists what goes and wants a yes.

    Args:
        name: The alias that it was embedded under.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        deployments: Also stop these deployments.
        model_id: Also delete this model.
        yes: Agree to the removal without being asked.
        timeout_minutes: Give up waiting after so many minutes.

    Example:
        vector-search elastic teardown --name films --deployments movies-ingest --target sandbox --yes
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=timeout_minutes)
    with reporting("elastic teardown", name, target) as report, holding("elastic", name, deadline):
        there = read_inventory(settings, name)
        running = {deployment.id for deployment in read_deployments(settings)}
        going = [f"deployment {one}" for one in deployments if one in running]
        going += [f"model {model_id}"] if model_id else []
        if there.is_empty and not going:
            say(f"Nothing to do: nothing of ours is under the name {name!r}.")
            return report
        everything = "; ".join([*([str(there)] if not there.is_empty else []), *going])
        confirm("remove all of it", consequence=f"It would remove: {everything}.", yes=yes)
        teardown(settings, there, report, deadline)
        for one in deployments:
            with report.step(f"stop deployment {one}") as step:
                step.saw("stopped" if remove_deployment(settings, one, deadline) else "was not there")
        if model_id:
            with report.step(f"delete model {model_id}") as step:
                step.saw("deleted" if remove_model(settings, model_id) else "was not there")
        with report.step(f"see that nothing is left of {name}") as step:
            left = read_inventory(settings, name)
            if not left.is_empty:
                raise GateNotMet(f"What is left of {name}", measured=str(left), wanted="nothing")
            step.saw("nothing")
    return report


def teardown(settings: ElasticSettings, there: Inventory, report: Report, deadline: Deadline) -> None:
    """Remove alias, indices and pipelines of a name, in the order that leaves no search without an answer by surprise."""
    with report.step(f"remove what was embedded as {there.name}") as step:
        if there.alias:
            remove_alias(settings, there.name)
        for index in there.indices:
            remove_index(settings, index, deadline)
        for pipeline in there.pipelines:
            remove_pipeline(settings, pipeline)
        step.saw(listed([*there.indices, *there.pipelines]))
