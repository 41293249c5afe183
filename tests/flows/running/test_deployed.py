"""A run from a terminal is one of its flow's deployment where the server has it, and runs here all the same."""

from __future__ import annotations

import os
from contextlib import contextmanager
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.exceptions import ObjectNotFound

from flows import generate
from flows.commands import load
from flows.engines import ENGINES
from flows.running import deployed
from flows.running.terminals import TERMINAL
from flows.work_pools import PROCESS


class Prefect:
    """The part of a server that knows deployments: by their flow's name and their own."""

    def __init__(self, *names):
        self.deployments = {
            name: SimpleNamespace(id=uuid4(), flow_id=uuid4(), tags=["vector-search"]) for name in names
        }
        self.created = []

    def read_deployment_by_name(self, name):
        if name not in self.deployments:
            raise ObjectNotFound(Exception(name))
        return self.deployments[name]

    def request(self, method, path, json):
        assert (method, path) == ("POST", "/flow_runs/")
        self.created.append(json)
        run = {key: value for key, value in json.items() if key != "state"} | {"id": str(uuid4())}
        return SimpleNamespace(json=lambda: run)


@pytest.fixture
def run(monkeypatch):
    """Runs `elastic check` on a server with these deployments; gives what was created there, and what Prefect's engine was told."""

    def on(*names):
        server, told = Prefect(*names), []

        @contextmanager
        def client(**_):
            yield server

        monkeypatch.setattr(deployed, "get_client", client)
        monkeypatch.setattr(deployed, "run_flow", lambda flow, **how: told.append((flow, how)) or "ran")
        flow = load("flows.elastic.check:check_cluster")
        called = type(flow).__call__
        monkeypatch.setattr(type(flow), "__call__", lambda *_, **parameters: parameters)
        result = deployed.run_in_deployment(flow, {"target": "sandbox"})
        monkeypatch.setattr(type(flow), "__call__", called)
        return server, told, result

    return on


def test_it_belongs_to_the_deployment_with_its_tags_and_no_worker_may_take_it(run):
    name = "elastic check/elastic-check"
    server, ((_, how),), result = run(name, "elastic check/elastic-check-nightly")
    (created,) = server.created
    assert result == "ran"
    assert created["deployment_id"] == str(server.deployments[name].id) == str(how["flow_run"].deployment_id)
    assert created["flow_id"] == str(server.deployments[name].flow_id)
    assert (created["tags"], created["state"]["type"]) == (["vector-search", TERMINAL], "PENDING")
    assert not created.keys() & {"work_pool_name", "work_queue_name"}
    assert created["parameters"] == how["parameters"]
    assert created["parameters"]["target"] == "sandbox"


def test_without_a_deployment_it_is_an_ordinary_run(run):
    server, told, result = run("elastic load/elastic-load")
    assert (server.created, told) == ([], [])
    assert result == {"target": "sandbox"}


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_deployments_have_the_names_that_are_looked_for(engine):
    written = generate.deployments(PROCESS)
    assert all(f"  - name: {engine.command(entry).replace(' ', '-')}\n" in written for entry in engine.flows)


def test_it_sends_heartbeats_as_often_as_any_automation_wants(monkeypatch):
    monkeypatch.delenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", raising=False)
    load("flows.elastic.check:check_cluster")
    assert os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
