"""How a statement ends: with its rows, as a failure that stays one, or as one that is worth another try."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from databricks.sdk.service.sql import ServiceError, StatementResponse, StatementState, StatementStatus
from pydantic import SecretStr

from tasks.calls import ServiceUnwell
from tasks.databricks import statements
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.statements import StatementFailed, execute
from tasks.waiting import Deadline

SETTINGS = DatabricksSettings(
    host="http://127.0.0.1:1", token=SecretStr("x"), catalog_schema="main.default", warehouse_id="a"
)


def ends_as(monkeypatch, state, said):
    """The stand-in changes one table at a time, so only a reply that is made up can tell of a conflict."""
    answer = StatementResponse(
        statement_id="1", status=StatementStatus(state=state, error=ServiceError(message=said))
    )
    api = SimpleNamespace(execute_statement=lambda *_, **__: answer, get_statement=lambda _: answer)
    monkeypatch.setattr(statements, "connect", lambda _: SimpleNamespace(statements=api))


CONFLICTS = {
    "with a state": "[DELTA_CONCURRENT_APPEND.ROW_LEVEL_CHANGES] Transaction conflict detected. Please retry. SQLSTATE: 2D521",
    "without": "[DELTA_METADATA_CHANGED] MetadataChangedException: The metadata of the Delta table has been changed.",
}


@pytest.mark.parametrize("said", CONFLICTS.values(), ids=CONFLICTS)
def test_a_statement_before_which_another_change_came_is_worth_another_try(monkeypatch, said):
    ends_as(monkeypatch, StatementState.FAILED, said)
    with pytest.raises(ServiceUnwell, match=r"Could not mark table a now: Databricks: FAILED: \[DELTA_"):
        execute(SETTINGS, "mark table a", "ALTER TABLE a", Deadline.after(seconds=10))


def test_a_statement_that_failed_for_another_reason_is_not_tried_again(monkeypatch):
    ends_as(monkeypatch, StatementState.FAILED, "[DELTA_TABLE_NOT_FOUND] Delta table a doesn't exist.")
    with pytest.raises(StatementFailed, match="ended as FAILED"):
        execute(SETTINGS, "mark table a", "ALTER TABLE a", Deadline.after(seconds=10))
