"""A stack whose worker runs the build, with heartbeats every second, against a stand-in whose operations the test ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flows.stack import api, processes
from flows.stack.prefect_settings import POOL
from flows.stack.stack import SANDBOX, Stack
from sandbox.announced import announcement
from sandbox.vertex.options import VertexOptions
from tests.flows.vertex.conftest import VertexStandIn, write_vectors
from tests.polling import until

HERE = Path(__file__).parent
PATIENCE = 300.0
UNFINISHED = {"SCHEDULED", "PENDING", "RUNNING"}


@pytest.fixture(scope="session")
def _started(tmp_path_factory):
    service = VertexStandIn(tmp_path_factory.mktemp("stand-in"), VertexOptions(advance="reads", reads=1000))
    file = tmp_path_factory.mktemp("deployments") / "prefect.yaml"
    environment = {"VECTOR_SEARCH_SANDBOX": str(announcement(service.state))}
    build = {
        "name": "quick-build",
        "entrypoint": "quick_build.build_index",
        "work_pool": {"name": POOL, "job_variables": {"env": environment}},
        "parameters": {"target": "sandbox"},
    }
    check = {
        "name": "check",
        "entrypoint": "flows.elastic.check.check_cluster",
        "work_pool": {"name": POOL},
        "parameters": {},
    }
    file.write_text(yaml.safe_dump({"name": "workers", "pull": [], "deployments": [build, check]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))
        with Stack(tmp_path_factory.mktemp("home"), deployments=file).running() as stack:
            yield stack, service
    service.process.stop()


@pytest.fixture
def stack(_started):
    """The stack, all of it up, except for its own stand-ins."""
    stack, _ = _started
    stack.up()
    processes.stop([stack.state.alive(SANDBOX)])
    return stack


@pytest.fixture
def service(_started):
    return _started[1]


@pytest.fixture
def call(stack):
    return api.caller(stack.api_url, stack.key)


@pytest.fixture
def begun(call, service, tmp_path, name):
    """The id of a run of the build that waits for its index."""
    deployment = call("GET", "/deployments/name/vertex%20build/quick-build")
    parameters = {"name": name, "data": str(write_vectors(tmp_path / "vectors.hdf5")), "yes": True}
    run = call("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
    before = len(service.writes)
    until(lambda: "CreateIndex" in service.writes[before:], "the creation of the index", PATIENCE)
    return run["id"]
