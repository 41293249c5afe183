"""What the automations do on a real Prefect server: which runs they touch, and which they leave alone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import pytest

from flows.automations import catalog, upkeep
from flows.running.terminals import TERMINAL
from flows.stack.prefect_settings import POOL
from tests.polling import PATIENCE, until

pytestmark = pytest.mark.slow

HEARTBEAT_SECONDS = (
    10  # so that a run is dead after 30 s; a busy server handles an event of a run that ended later than 12
)
BACKLOG_SECONDS = 600.0
_numbers = count()


def pool_of(call):
    """The name of a work pool, made by the first test."""
    if not call("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}}):
        call("POST", "/work_pools/", {"name": POOL, "type": "process"})
    return POOL


class Run:
    """A run of a flow, without a process: the test says what its process and its worker would say.

    One that a terminal has started has a deployment and a tag, but no worker's queue.
    """

    def __init__(self, call, flow="vertex build", *, deployed=True, queued=True, tags=()):
        self.call = call
        self.flow = call("POST", "/flows/", {"name": flow})["id"]
        body = {"name": f"test-{next(_numbers)}", "flow_id": self.flow}
        self.deployment = call("POST", "/deployments/", body)["id"] if deployed else None
        body = {
            "flow_id": self.flow,
            "deployment_id": self.deployment,
            "state": {"type": "PENDING"},
            "tags": tags,
        }
        if queued:
            body |= {"work_pool_name": pool_of(call), "work_queue_name": "default"}
        self.id = call("POST", "/flow_runs/", body)["id"]
        self.flow_name = flow
        self.becomes("RUNNING")

    def becomes(self, kind, name=None, message=None):
        state = {"type": kind, "name": name or kind.capitalize(), "message": message}
        answer = self.call("POST", f"/flow_runs/{self.id}/set_state", {"state": state, "force": True})
        assert answer["status"] == "ACCEPT"
        return self

    def beats(self):
        related = [{"prefect.resource.id": f"prefect.flow.{self.flow}", "prefect.resource.role": "flow"}]
        related[0]["prefect.resource.name"] = self.flow_name
        if self.deployment:
            role = {"prefect.resource.id": f"prefect.deployment.{self.deployment}"}
            related.append({**role, "prefect.resource.role": "deployment"})
        event = {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": "prefect.flow-run.heartbeat",
            "resource": {"prefect.resource.id": f"prefect.flow-run.{self.id}"},
            "related": related,
        }
        self.call("POST", "/events", [event])
        return self

    @property
    def state(self):
        return self.call("GET", f"/flow_runs/{self.id}")["state"]["name"]

    def will_be(self, state, seconds=PATIENCE):
        until(lambda: self.state == state, f"the state {state}", seconds)


@pytest.fixture
def automations(call, everything):  # noqa: ARG001 -- removes them afterwards
    made = upkeep.ensure(call, catalog.automations(HEARTBEAT_SECONDS))
    # Events are handled in order, and a silence counts from the last one: what other tests left must be handled first.
    Run(call).becomes("CRASHED").will_be("AwaitingRetry", BACKLOG_SECONDS)
    return made


@pytest.mark.usefixtures("automations")
def test_a_crashed_run_is_started_again_three_times_and_then_no_more(call):
    run = Run(call)
    for _ in range(catalog.RESTARTS):
        run.becomes("CRASHED").will_be("AwaitingRetry")
        run.becomes("PENDING").becomes("RUNNING")
    run.becomes("CRASHED")
    Run(call).becomes("CRASHED").will_be("AwaitingRetry")  # events are handled in order
    assert run.state == "Crashed"


@pytest.mark.usefixtures("automations")
def test_only_crashed_runs_of_our_deployments_are_started_again(call):
    of_others = Run(call, "their flow").becomes("CRASHED")
    of_a_notebook = Run(call, deployed=False, queued=False).becomes("CRASHED")
    of_a_terminal = Run(call, queued=False).becomes("CRASHED")
    cancelled = Run(call).becomes("CANCELLED")
    failed = Run(call).becomes("FAILED")
    Run(call).becomes("CRASHED").will_be("AwaitingRetry")
    assert of_others.state == of_a_notebook.state == of_a_terminal.state == "Crashed"
    assert (cancelled.state, failed.state) == ("Cancelled", "Failed")


@pytest.mark.usefixtures("automations")
def test_retry_in_the_ui_of_a_terminals_run_ends_with_what_to_do_and_a_workers_run_goes_on(call):
    of_a_worker = Run(call).becomes("FAILED").becomes("SCHEDULED", "AwaitingRetry")
    of_a_terminal = Run(call, queued=False, tags=[TERMINAL]).becomes("FAILED")
    of_a_terminal.becomes("SCHEDULED", "AwaitingRetry").will_be("Cancelled")
    told = call("GET", f"/flow_runs/{of_a_terminal.id}")["state"]["message"]
    assert "Run its command again" in told
    assert of_a_worker.state == "AwaitingRetry"


@pytest.mark.usefixtures("automations")
def test_a_run_without_heartbeats_has_crashed_unless_it_has_ended_or_is_somebody_elses(call):
    late_beat = Run(call).becomes("COMPLETED").beats()  # Prefect may send one more after the end
    ended = Run(call).beats().becomes("FAILED")
    suspended = Run(call).beats().becomes("PAUSED", "Suspended")
    of_others = Run(call, "their flow").beats()
    waits = Run(call).beats().becomes("SCHEDULED", "AwaitingRetry")
    of_a_terminal = Run(call, queued=False).beats()
    silent = Run(call).beats()
    silent.will_be("AwaitingRetry")  # dead, and started again
    of_a_terminal.will_be("Crashed")
    assert (late_beat.state, ended.state) == ("Completed", "Failed")
    assert (suspended.state, of_others.state) == ("Suspended", "Running")
    states = call("GET", f"/flow_run_states/?flow_run_id={waits.id}")
    assert "Crashed" in {one["name"] for one in states}, "a run can die while it waits for a retry"
