"""Settings, the login, and what the SDK's errors mean: nothing is repeated by the SDK, nothing of another workspace gets in."""

from __future__ import annotations

import time

import pytest
from databricks.sdk.service.vectorsearch import EndpointType
from pydantic import SecretStr

from sandbox import faults
from sandbox.databricks.tokens import PRINCIPAL
from tasks.calls import NotFound, ServiceUnwell
from tasks.databricks.clients import Clients
from tasks.databricks.errors import AlreadyExists, calling
from tasks.databricks.settings import DatabricksSettings, databricks_settings
from tasks.errors import InvalidInput

WORKSPACE = "https://dbc-a1b2345c-d6e7.cloud.databricks.com"


def variables(monkeypatch, **values):
    for name in ("HOST", "TOKEN", "CLIENT_ID", "CLIENT_SECRET", "CATALOG_SCHEMA"):
        monkeypatch.delenv(f"DATABRICKS_{name}", raising=False)
    for name, value in values.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)


def test_a_workspace_is_read_from_the_environment_and_its_scheme_may_be_left_out(monkeypatch):
    variables(
        monkeypatch, HOST=WORKSPACE.removeprefix("https://") + "/", TOKEN=" dapi12 ", CATALOG_SCHEMA="main.a"
    )
    found = databricks_settings("databricks")
    assert (found.host, found.token.get_secret_value()) == (WORKSPACE, "dapi12")
    assert found.where == "dbc-a1b2345c-d6e7.cloud.databricks.com.main.a"
    assert not found.is_sandbox


WRONG = [
    ({}, ["DATABRICKS_CATALOG_SCHEMA and DATABRICKS_HOST"]),
    ({"HOST": WORKSPACE, "CATALOG_SCHEMA": "main", "TOKEN": "dapi12"}, ["CATALOG_SCHEMA", "main.default"]),
    ({"HOST": WORKSPACE, "CATALOG_SCHEMA": "main.a"}, ["either DATABRICKS_TOKEN or"]),
    (
        {"HOST": WORKSPACE, "CATALOG_SCHEMA": "main.a", "CLIENT_ID": "x"},
        ["DATABRICKS_CLIENT_SECRET together"],
    ),
    ({"HOST": "http://127.0.0.1:1", "CATALOG_SCHEMA": "main.a", "TOKEN": "dapi12"}, ["--target sandbox"]),
    ({"HOST": "dapi0123456789", "CATALOG_SCHEMA": "main.a", "TOKEN": "dapi12"}, ["address alone"]),
    ({"HOST": f"{WORKSPACE}/?o=1", "CATALOG_SCHEMA": "main.a", "TOKEN": "dapi12"}, ["address alone"]),
]


@pytest.mark.parametrize(("values", "parts"), WRONG, ids=[parts[0] for _, parts in WRONG])
def test_settings_that_cannot_be_used_are_named_without_their_values(monkeypatch, values, parts):
    variables(monkeypatch, **values)
    with pytest.raises(InvalidInput) as caught:
        databricks_settings("databricks")
    for part in parts:
        assert part in str(caught.value)
    assert "dapi0123456789" not in str(caught.value)


def test_nothing_of_another_workspace_gets_in(settings, monkeypatch, tmp_path):
    """The SDK reads a dozen variables and a file by itself."""
    config = tmp_path / "databrickscfg"
    config.write_text("[other]\nhost = https://other.example\ntoken = dapi0\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(config))
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "other")
    for name in (
        "CLIENT_ID",
        "CLIENT_SECRET",
        "USERNAME",
        "PASSWORD",
        "WORKSPACE_ID",
        "ACCOUNT_ID",
        "AUTH_TYPE",
    ):
        monkeypatch.setenv(f"DATABRICKS_{name}", "other")
    with calling("read who calls"):
        assert Clients(settings).users.me().user_name == "person@sandbox.example"


def test_a_service_principal_logs_in_and_a_wrong_secret_is_told(settings, sandbox):
    secret = sandbox.environment["DATABRICKS_SANDBOX_CLIENT_SECRET"]
    principal = settings.model_copy(
        update={"token": None, "client_id": PRINCIPAL, "client_secret": SecretStr(secret)}
    )
    assert Clients(principal).users.me().user_name == PRINCIPAL
    wrong = principal.model_copy(update={"client_secret": SecretStr("dose0")})
    with pytest.raises(InvalidInput, match="no token for this service principal"), calling("read who calls"):
        Clients(wrong).users.me()
    wrong = settings.model_copy(update={"token": SecretStr("dapi0")})
    with pytest.raises(InvalidInput, match="no credentials that it accepts") as caught, calling("read"):
        Clients(wrong).users.me()
    assert "Config:" not in str(caught.value)


@pytest.mark.parametrize("kind", ["unavailable", "throttled", "internal", "aborted", "reset"])
def test_a_call_that_may_succeed_later_is_transient_at_once_and_sent_once(kind, settings, sandbox):
    method = "vector_search_endpoints.create_endpoint"
    faults.add(sandbox.state, method, kind, times=1, retry_after=30 if kind == "throttled" else None)
    clients, began = Clients(settings), time.monotonic()
    _ = clients.api
    struck = len(faults.struck(sandbox.state))
    with pytest.raises(ServiceUnwell), calling("create endpoint films"):
        clients.endpoints.create_endpoint(f"films-{kind}", EndpointType.STANDARD)
    assert len(faults.struck(sandbox.state)) == struck + 1
    assert time.monotonic() - began < 20, "the SDK would have slept for the 30 s that it was told"
    assert not faults.pending(sandbox.state)


def test_refusals_are_known_by_their_codes(settings):
    clients = Clients(settings)
    with pytest.raises(NotFound), calling("read endpoint absent"):
        clients.endpoints.get_endpoint("absent")
    clients.endpoints.create_endpoint("films", EndpointType.STANDARD)
    with pytest.raises(AlreadyExists), calling("create endpoint films"):
        clients.endpoints.create_endpoint("films", EndpointType.STANDARD)


def test_a_workspace_that_does_not_answer_is_transient_and_named():
    nowhere = DatabricksSettings(
        host="http://127.0.0.1:1", catalog_schema="main.default", token=SecretStr("dapi12")
    )
    told = "Is DATABRICKS_HOST the workspace's address"
    with pytest.raises(ServiceUnwell, match=told) as caught, calling("read who calls"):
        Clients(nowhere).users.me()
    assert "no answer from Databricks" in str(caught.value)
