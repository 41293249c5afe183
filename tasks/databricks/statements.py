"""Statements of SQL in a warehouse: sent without waiting, then looked at until they have ended."""

from __future__ import annotations

from databricks.sdk.service.sql import StatementState

from tasks.databricks.clients import connect
from tasks.databricks.errors import calling
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import InvalidInput, PermanentError
from tasks.waiting import Deadline, Look, wait_until

_ENDED = (StatementState.SUCCEEDED, StatementState.FAILED, StatementState.CANCELED, StatementState.CLOSED)

Rows = list[list[str]]


class StatementFailed(PermanentError):
    """A statement ended without success."""

    def __init__(self, doing: str, *, state: str, said: str) -> None:
        self.doing, self.state, self.said = doing, state, said
        super().__init__(f"Could not {doing}: the statement ended as {state}: {said}")


def execute(settings: DatabricksSettings, doing: str, statement: str, deadline: Deadline) -> Rows:
    """Run a statement to its end. Returns its rows, every value as text.

    Args:
        settings: the target.
        doing: completes "Could not ...": `create table films_source`.
        statement: one that may be run twice: after a lost reply it is.
        deadline: when to give up; the statement goes on in the warehouse.

    Raises:
        InvalidInput: no warehouse is set.
        StatementFailed: it did not succeed.
    """
    if settings.warehouse_id is None:
        raise InvalidInput(
            "A source table needs a SQL warehouse, and none is set",
            source="DATABRICKS_WAREHOUSE_ID",
            remedy="Set it to the warehouse's id, as its page in the workspace shows it.",
        )
    warehouse, api = settings.warehouse_id, connect(settings).statements
    with calling(doing):
        answer = api.execute_statement(statement, warehouse, wait_timeout="0s")
    id_ = answer.statement_id or ""

    def look() -> Look[Rows]:
        with calling(doing):
            found = api.get_statement(id_)
        status = found.status
        state = status.state if status else None
        if state in _ENDED and state is not StatementState.SUCCEEDED:
            said = status.error.message if status and status.error else None
            raise StatementFailed(
                doing, state=state.value if state else "unknown", said=said or "no reason given"
            )
        rows: Rows = [*((found.result.data_array or ()) if found.result else ())]
        return Look(
            seen=state.value if state else "unknown", value=rows, done=state is StatementState.SUCCEEDED
        )

    return wait_until(doing, look, deadline)


def quoted(full_name: str) -> str:
    """A three-part name as a statement has it."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in full_name.split("."))


def text(value: str) -> str:
    """A text as a statement has it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
