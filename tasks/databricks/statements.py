"""Statements of SQL in a warehouse: sent without waiting, then looked at until they have ended."""

from __future__ import annotations

import re

from databricks.sdk.service.sql import StatementState

from tasks.calls import ServiceUnwell
from tasks.databricks.clients import connect
from tasks.databricks.errors import SERVICE, calling
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import InvalidInput, PermanentError
from tasks.waiting import Deadline, Look, wait_until

_ENDED = (StatementState.SUCCEEDED, StatementState.FAILED, StatementState.CANCELED, StatementState.CLOSED)
_CONFLICT = re.compile(r"\[DELTA_(CONCURRENT_|METADATA_CHANGED|PROTOCOL_CHANGED)|SQLSTATE: 2D521")
"""How it says that another change of the table came first and that the operation is to be tried again:
https://docs.databricks.com/aws/en/error-messages/delta-concurrent-append-error-class"""

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
        ServiceUnwell: transient: another change of the table came first, maybe of this very statement, sent before.
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

    def look() -> Look[Rows | ServiceUnwell]:
        with calling(doing):
            found = api.get_statement(id_)
        status = found.status
        state = status.state if status else None
        if state in _ENDED and state is not StatementState.SUCCEEDED:
            said = (status.error.message if status and status.error else None) or "no reason given"
            if _CONFLICT.search(said):
                conflict = ServiceUnwell(doing, service=SERVICE, status=state.value, said=said)
                return Look("another change came first", value=conflict, done=True)
            raise StatementFailed(doing, state=state.value, said=said)
        rows: Rows = [*((found.result.data_array or ()) if found.result else ())]
        return Look(
            seen=state.value if state else "unknown", value=rows, done=state is StatementState.SUCCEEDED
        )

    ended = wait_until(doing, look, deadline)
    if isinstance(ended, ServiceUnwell):
        raise ended
    return ended


def quoted(full_name: str) -> str:
    """A three-part name as a statement has it."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in full_name.split("."))


def text(value: str) -> str:
    """A text as a statement has it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
