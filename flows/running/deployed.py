"""Runs from a terminal belong to their flow's deployment, where the server has it: one history, whoever started a run.

Such a run stays in its terminal: it has no work queue, so no worker ever takes it, and the automation that starts crashed runs again
leaves it alone. Its tag tells it apart, so that Retry in the UI ends with what to do instead (`flows/automations/catalog.py`). Prefect's own way to run a deployment hands the run to a worker, which has other files and other settings.
"""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import FlowRunCreate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow
from prefect.states import Pending, to_state_create
from prefect.utilities.callables import get_call_parameters

from flows.running.terminals import TERMINAL


def run_in_deployment(flow: Any, parameters: dict[str, Any]) -> Any:
    """Run a flow in this process, as a run of its deployment if the server has that: `vertex build/vertex-build`.

    Args:
        flow: a Prefect flow.
        parameters: by name; omitted ones keep the flow's defaults.
    """
    run = _begun(flow, parameters)
    if run is None:
        return flow(**parameters)
    return run_flow(flow, flow_run=run, parameters=get_call_parameters(flow.fn, (), parameters))


def _begun(flow: Any, parameters: dict[str, Any]) -> FlowRun | None:
    """A pending run of the flow's deployment; None without one."""
    whole = flow.serialize_parameters(get_call_parameters(flow.fn, (), parameters))
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"{flow.name}/{flow.name.replace(' ', '-')}")
        except ObjectNotFound:
            return None
        body = FlowRunCreate(
            flow_id=deployment.flow_id,
            deployment_id=deployment.id,
            flow_version=flow.version,
            parameters=whole,
            tags=[*deployment.tags, TERMINAL],
            state=to_state_create(Pending()),
        )
        answer = client.request("POST", "/flow_runs/", json=body.model_dump(mode="json", exclude_unset=True))
    return FlowRun.model_validate(answer.json())
