"""`kill -9` of a worker and its run: the run is seen to be dead, and another worker follows the same operation to its end."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter

import pytest

from flows.automations import catalog, upkeep
from flows.stack import processes
from flows.stack.prefect_settings import POOL
from flows.stack.stack import WORKER
from tests.flows.client_settings import slot_of
from tests.flows.workers.conftest import PATIENCE, UNFINISHED
from tests.polling import until

HEARTBEAT_SECONDS = 4  # so that a run is dead after 12 s; Prefect's minimum is 10


@pytest.fixture
def second_worker(stack):
    """Starts another worker of the same pool; stopped at the end."""
    command = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", "second"]
    started = []

    def start():
        started.append(
            processes.start(
                "second worker",
                [sys.executable, "-m", *command],
                environment=stack.environment,
                folder=stack.home,
                log=stack.home / "logs" / "second.log",
            )
        )

    yield start
    for worker in started:
        processes.stop_descendants(worker)
        processes.stop([worker])


def kill_with_its_runs(worker):
    for pid in (worker.pid, *processes._descendants([worker])):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def dead_runs_are_found_soon(stack, call):  # noqa: ARG001 -- it has been up, and so has the automations
    """Before the run begins: an automation that is changed forgets the heartbeats that it has seen."""
    assert {one.done for one in upkeep.ensure(call, catalog.automations())} == {"unchanged"}
    upkeep.ensure(call, catalog.automations(HEARTBEAT_SECONDS))
    yield
    upkeep.ensure(call, catalog.automations())


@pytest.mark.slow
@pytest.mark.usefixtures("dead_runs_are_found_soon")
def test_another_worker_follows_the_operation_of_a_killed_one_to_its_end(
    stack, service, call, begun, second_worker, name
):
    before = Counter(service.writes)
    second_worker()
    kill_with_its_runs(stack.state.alive(WORKER))

    def state():
        return call("GET", f"/flow_runs/{begun}")["state"]

    until(lambda: state()["name"] == "AwaitingRetry", "the restart", PATIENCE)
    # The slot of the killed run; by itself it is free after a minute.
    call("DELETE", f"/v2/concurrency_limits/{slot_of('vertex', name)}")

    def has_ended():
        service.look()
        return state()["type"] not in UNFINISHED

    until(has_ended, "the end of the run", PATIENCE)
    states = call("GET", f"/flow_run_states/?flow_run_id={begun}")
    seen = [(one["name"], one["message"]) for one in sorted(states, key=lambda one: one["timestamp"])]
    by_the_way = {"Pending", "Submitting", "InfrastructurePending", "Late"}  # as busy as the machine is
    assert [one for one, _ in seen if one not in by_the_way] == [
        "Scheduled", "Running", "Crashed", "AwaitingRetry", "Running", "Completed",
    ]  # fmt: skip
    assert "No heartbeat for 12 s" in dict(seen)["Crashed"]
    assert service.counts(name) == (1, 1, 1)
    made = Counter(service.writes) - before
    assert (made["CreateIndex"], made["CreateIndexEndpoint"], made["DeployIndex"]) == (0, 1, 1)
