"""`elastic endpoint-delete`: remove an inference endpoint that nothing uses, with its deployment."""

from __future__ import annotations

from pydantic import Field

from flows.confirmation import agree, confirm
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.elastic.plans import endpoint_removal_plan
from flows.elastic.privileges import TO_CHANGE_ENDPOINTS, ask_privileges
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.endpoints import read_endpoint, remove_endpoint
from tasks.elastic.specs import Name
from tasks.progress import say


class EndpointDeleteOptions(ElasticOptions, Confirmed, Timed, frozen=True):
    """The options of `elastic endpoint-delete`."""

    name: Name = Field(description="The id of the endpoint.")
    yes: bool = agreement("the removal")


@engine_flow(ELASTIC, "endpoint-delete", run_name="endpoint-delete {name} on {target}")
def delete_inference_endpoint(options: EndpointDeleteOptions) -> Report:
    """Delete an inference endpoint and stop its deployment. The model stays.

    One that a pipeline or an index names is refused; they are listed.

    Example:
        vector-search elastic endpoint-delete --name my-elser --target sandbox --yes
    """
    name = options.name
    with running(ELASTIC, "endpoint-delete", options) as run:
        ask_privileges(run, *TO_CHANGE_ENDPOINTS)
        there = read_endpoint(run.settings, name)
        deployment = read_deployment(run.settings, name)
        if there is None and deployment is None:
            agree(
                [],
                yes=True,
                plan=lambda: endpoint_removal_plan(run, name, has_endpoint=False, has_deployment=False),
            )
            say(f"Nothing to do: there is no inference endpoint {name!r}.")
            return run.report
        consequence = (
            f"It would delete the endpoint {name!r} ({there.task_type} by {there.model_id}){' and stop its deployment' if there.deployment_id else ''}."
            if there
            else f"There is no such endpoint, but a deployment {name!r}, as a deletion leaves it that was cut off. It would be stopped."
        )
        confirm(
            f"delete the inference endpoint {name}",
            consequence=consequence,
            yes=options.yes,
            plan=lambda: endpoint_removal_plan(
                run, name, has_endpoint=there is not None, has_deployment=deployment is not None
            ),
        )
        with run.report.step(f"delete inference endpoint {name}") as step:
            step.saw("deleted" if remove_endpoint(run.settings, name, run.deadline) else "was not there")
    return run.report
