"""`deploy`, on a server whose work pool is not the one that is needed."""

from __future__ import annotations

import pytest

from flows.stack import api
from flows.work_pools import DOCKER, PROCESS

TARGET = {"VECTOR_SEARCH_DATABRICKS_TARGET": "databricks", "VECTOR_SEARCH_IMAGE": "an-image:1"}


@pytest.fixture
def call(stack):
    """Requests to the session's server."""
    return api.caller(stack.api_url, stack.key)


def test_without_its_work_pool_nothing_is_registered_and_the_command_that_creates_it_is_shown(run, call):
    before = call("POST", "/deployments/count", {})
    ended = run(None, "deploy", "--work-pool-type", "docker", "--engine", "databricks", code=2, **TARGET)
    assert f"has no work pool {DOCKER.name}. Create it: `{DOCKER.created_here()}`." in " ".join(
        ended.err.split()
    )
    assert call("POST", "/deployments/count", {}) == before


def test_a_work_pool_of_another_type_is_refused(run, call):
    call("POST", "/work_pools/", {"name": PROCESS.name, "type": "kubernetes"})
    try:
        ended = run(None, "deploy", "--engine", "databricks", code=2, **TARGET)
    finally:
        call("DELETE", f"/work_pools/{PROCESS.name}")
    assert f"The work pool {PROCESS.name} is of another type: 'kubernetes'" in " ".join(ended.err.split())
    assert f"create it again: `{PROCESS.created_here()}`" in " ".join(ended.err.split())
