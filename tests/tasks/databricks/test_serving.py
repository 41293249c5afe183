"""Model serving endpoints of a workspace, waited for through the SDK."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox import faults
from sandbox.databricks import server as servers
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.serving import EMBEDDING_ENDPOINT
from sandbox.models.serving import ModelStart
from sandbox.ports import bound
from tasks.calls import NotFound
from tasks.databricks.preconditions import read_serving
from tasks.databricks.serving import wait_for_serving
from tasks.databricks.settings import DatabricksSettings
from tasks.models.serving import ServingFailed
from tasks.waiting import Deadline


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace in this process whose model needs no weights: `workspace(seconds=0.3)`; returns its settings."""
    monkeypatch.setattr(servers, "embedded", lambda texts, _: np.ones((len(texts), 3), np.float32))
    running = []

    def of(**start):
        server = servers.DatabricksServer(
            tmp_path, DatabricksOptions(model_start=ModelStart(**start)), bound(), ""
        )
        server.start()
        running.append(server)
        return DatabricksSettings(host=server.url, catalog_schema="main.default", token="dapi0")

    yield of
    for server in running:
        server.stop()


def test_an_endpoint_is_ready_and_its_model_awake_or_the_check_waits(workspace, tmp_path):
    settings = workspace(seconds=0.3)
    found = read_serving.fn(settings, EMBEDDING_ENDPOINT, Deadline.after(seconds=0.01))
    assert found.is_in_the_way
    assert "NOT_READY, update IN_PROGRESS" in found.seen
    faults.add(tmp_path, "serving_endpoints.query", "unavailable", "before", times=2)
    found = read_serving.fn(settings, EMBEDDING_ENDPOINT, Deadline.after(minutes=1))
    assert (found.state, found.seen) == ("ok", "READY, embeds into 3 dimensions")
    assert [each.method for each in faults.struck(tmp_path)] == ["serving_endpoints.query"] * 2


def test_an_endpoint_that_failed_or_is_not_there_is_in_the_way_with_its_state(workspace):
    settings = workspace(fails=True)
    with pytest.raises(ServingFailed, match="UPDATE_FAILED, DEPLOYMENT_FAILED"):
        wait_for_serving.fn(settings, EMBEDDING_ENDPOINT, Deadline.after(minutes=5))
    with pytest.raises(NotFound, match=r"model serving endpoint gte.*RESOURCE_DOES_NOT_EXIST"):
        wait_for_serving.fn(settings, "gte", Deadline.after(minutes=5))
