"""`kill -9` of a worker and its run: the run is seen to be dead, and another worker follows the same operation to its end."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import get_client

from flows.automations import catalog, upkeep
from flows.stack import api, processes
from flows.stack.prefect_settings import POOL
from flows.stack.stack import SANDBOX, WORKER, Stack
from sandbox.announced import announcement
from tests.flows.client_settings import client_settings
from tests.flows.vertex.conftest import VertexOptions, VertexStandIn, write_vectors
from tests.polling import until

HERE = Path(__file__).parent
HEARTBEAT_SECONDS = 4  # so that a run is dead after 12 s; Prefect's minimum is 10
PATIENCE = 300.0


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A stand-in whose operations end when the test looks at them."""
    made = VertexStandIn(tmp_path_factory.mktemp("stand-in"), VertexOptions(advance="reads", reads=1000))
    yield made
    made.process.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, service):
    """A stack with one worker, and the build as its deployment."""
    file = tmp_path_factory.mktemp("deployments") / "prefect.yaml"
    environment = {"VECTOR_SEARCH_SANDBOX": str(announcement(service.state))}
    build = {
        "name": "quick-build",
        "entrypoint": "quick_build.build_index",
        "work_pool": {"name": POOL, "job_variables": {"env": environment}},
        "parameters": {"target": "sandbox"},
    }
    file.write_text(yaml.safe_dump({"name": "takeover", "pull": [], "deployments": [build]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))
        with Stack(tmp_path_factory.mktemp("home"), deployments=file).running() as stack:
            processes.stop([stack.state.alive(SANDBOX)])
            call = api.caller(stack.api_url, stack.key)
            assert [one.done for one in upkeep.ensure(call, catalog.automations())] == ["unchanged"] * 2
            upkeep.ensure(call, catalog.automations(HEARTBEAT_SECONDS))
            yield stack


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


@pytest.mark.slow
def test_another_worker_follows_the_operation_of_a_killed_one_to_its_end(
    stack, service, second_worker, tmp_path, name
):
    call = api.caller(stack.api_url, stack.key)
    data = write_vectors(tmp_path / "vectors.hdf5")
    deployment = call("GET", "/deployments/name/vertex%20build/quick-build")
    parameters = {"name": name, "data": str(data), "yes": True}
    run = call("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})["id"]

    def state():
        return call("GET", f"/flow_runs/{run}")["state"]

    until(lambda: service.writes == ["CreateIndex"], "the creation of the index", PATIENCE)
    second_worker()
    kill_with_its_runs(stack.state.alive(WORKER))
    until(lambda: state()["name"] == "AwaitingRetry", "the restart", PATIENCE)
    with client_settings(stack), get_client(sync_client=True) as client:
        client.delete_global_concurrency_limit_by_name(
            f"vertex-{name}"
        )  # by itself it is free after a minute

    def has_ended():
        service.look()
        return state()["type"] not in {"SCHEDULED", "PENDING", "RUNNING"}

    until(has_ended, "the end of the run", PATIENCE)
    states = call("GET", f"/flow_run_states/?flow_run_id={run}")
    seen = [(one["name"], one["message"]) for one in sorted(states, key=lambda one: one["timestamp"])]
    by_the_way = {"Pending", "Submitting", "InfrastructurePending", "Late"}  # as busy as the machine is
    assert [one for one, _ in seen if one not in by_the_way] == [
        "Scheduled", "Running", "Crashed", "AwaitingRetry", "Running", "Completed",
    ]  # fmt: skip
    assert "No heartbeat for 12 s" in dict(seen)["Crashed"]
    assert service.counts(name) == (1, 1, 1)
    made = Counter(service.writes)
    assert {made["CreateIndex"], made["CreateIndexEndpoint"], made["DeployIndex"]} == {1}
