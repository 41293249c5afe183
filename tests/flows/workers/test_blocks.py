"""A worker that has no variable of a service: what it needs is in the block that a run names as its target."""

from __future__ import annotations

import json

import pytest

from flows.blocks.targets import ElasticTarget
from sandbox.elastic.options import ElasticOptions
from tasks.elastic.settings import elastic_settings
from tests.client import VERSION
from tests.flows.client_settings import client_settings
from tests.flows.stand_ins import StandIn
from tests.flows.workers.conftest import PATIENCE, UNFINISHED
from tests.polling import until

KEY = "only-the-block-has-this-key"


@pytest.mark.slow
def test_a_worker_without_variables_works_on_the_target_that_a_block_holds(
    stack, call, shared_stand_in, name
):
    cluster = shared_stand_in(StandIn, ElasticOptions(version=VERSION, api_key=KEY))
    with client_settings(stack):
        ElasticTarget(url=cluster.settings_by(elastic_settings).url, api_key=KEY).save(name)
    assert not any(variable.startswith("ELASTIC_") for variable in stack.environment)
    deployment = call("GET", "/deployments/name/elastic%20check/check")
    run = call(
        "POST",
        f"/deployments/{deployment['id']}/create_flow_run",
        {"parameters": {"target": f"block:{name}"}},
    )

    def ended():
        return call("GET", f"/flow_runs/{run['id']}")

    until(lambda: ended()["state"]["type"] not in UNFINISHED, "the end of the run", PATIENCE)
    assert ended()["state"]["type"] == "COMPLETED"
    assert ended()["name"] == f"check block:{name}"
    logs = call("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    artifacts = call("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    assert artifacts
    assert KEY not in json.dumps([ended(), logs, artifacts])
