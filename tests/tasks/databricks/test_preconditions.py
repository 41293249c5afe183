"""What `databricks check` looks at, one line each: what is there, what is missing, and what cannot be known."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from sandbox import faults
from tasks.databricks import preconditions
from tasks.databricks.preconditions import read_preconditions
from tests.tasks.databricks.test_calls import PRINCIPAL


@pytest.fixture
def looked(settings):
    """The findings by what was looked at: `looked(token=SecretStr("dapi0"))`."""

    def look(**changed):
        found = read_preconditions.fn(settings.model_copy(update=changed))
        return {each.what: each for each in found}

    return look


def states(findings):
    return {what: each.state for what, each in findings.items()}


def test_everything_that_a_build_needs_is_there(looked):
    found = looked()
    assert states(found) == {
        "login": "ok", "catalog main": "ok", "schema main.default": "ok", "vector search endpoints": "ok",
        "SQL warehouse for source tables": "ok",
    }  # fmt: skip
    assert "of 100" in found["vector search endpoints"].seen


def test_a_service_principal_logs_in_by_oauth(looked, sandbox):
    secret = SecretStr(sandbox.environment["DATABRICKS_SANDBOX_CLIENT_SECRET"])
    found = looked(token=None, client_id=PRINCIPAL, client_secret=secret)
    assert (found["login"].state, found["login"].seen) == ("ok", PRINCIPAL)


def test_without_a_login_nothing_else_is_claimed(looked):
    found = looked(token=SecretStr("dapi0"))
    assert found.pop("login").state == "missing"
    assert set(states(found).values()) == {"unknown"}


def test_what_is_missing_is_named_and_the_privileges_have_the_command_that_grants_them(looked):
    found = looked(catalog_schema="main.absent", warehouse_id="0123")
    assert states(found) | {"login": "ok"} == {
        "login": "ok", "catalog main": "ok", "schema main.absent": "missing", "vector search endpoints": "ok",
        "SQL warehouse for source tables": "missing",
    }  # fmt: skip
    assert found["schema main.absent"].command.startswith(
        "databricks grants update schema main.absent --json"
    )


def test_privileges_that_nobody_granted_are_named(looked, monkeypatch):
    monkeypatch.setattr(preconditions, "_ALL", set())
    granted = preconditions._granted
    monkeypatch.setattr(
        preconditions, "_granted", lambda *given: granted(*given[:-1], (*given[-1], "CREATE_MODEL"))
    )
    assert "lacks CREATE_MODEL" in looked()["schema main.default"].seen


def test_a_full_workspace_is_missing_room_and_no_warehouse_is_no_fault(looked, monkeypatch):
    monkeypatch.setattr(preconditions, "MOST_ENDPOINTS", 0)
    found = looked(warehouse_id=None)
    assert found["vector search endpoints"].state == "missing"
    assert "at most 0 are allowed" in found["vector search endpoints"].seen
    assert found["SQL warehouse for source tables"].state == "not needed"


def test_what_does_not_answer_now_is_unknown(looked, sandbox):
    faults.add(sandbox.state, "schemas.get", "unavailable", times=1)
    assert looked()["schema main.default"].state == "unknown"
