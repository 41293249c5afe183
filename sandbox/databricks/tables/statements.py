"""The Statement Execution API: a few forms of statements, run at once on real Delta tables; queries by DuckDB.

Taken are CREATE TABLE with columns, ALTER TABLE ... SET or UNSET TBLPROPERTIES, DROP TABLE, INSERT INTO or OVERWRITE with a query,
DELETE FROM, and SELECT over tables and `read_files` of a Parquet file in a volume. A query is DuckDB's SQL, with Spark's backticks.
"""

from __future__ import annotations

import io
import re
import threading
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.clock import Clock
from sandbox.databricks.errors import Refusal
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.store import Store
from sandbox.databricks.tables import sql
from sandbox.databricks.tables.catalog import check_warehouse
from sandbox.databricks.tables.delta import TYPES, Tables
from sandbox.databricks.tables.sql import Arrow
from sandbox.databricks.tables.volumes import Volumes

_KIND = "statement"
_PART = r"(?:`[^`]+`|\w+)"
_NAME = rf"(?P<name>{_PART}\.{_PART}\.{_PART})"
_PROPERTIES = r"TBLPROPERTIES\s*\((?P<properties>.*)\)"
_QUERY = r"(?P<query>(?:SELECT|WITH|VALUES)\b.*)"
_FORMS = {
    form: re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for form, pattern in {
        "create": rf"CREATE TABLE (?P<maybe>IF NOT EXISTS )?{_NAME}\s*\((?P<columns>.*?)\)(?:\s*USING DELTA)?(?:\s*{_PROPERTIES})?",
        "set": rf"ALTER TABLE {_NAME} SET {_PROPERTIES}",
        "unset": rf"ALTER TABLE {_NAME} UNSET {_PROPERTIES}",
        "drop": rf"DROP TABLE (?P<maybe>IF EXISTS )?{_NAME}",
        "insert": rf"INSERT (?P<how>INTO|OVERWRITE)(?: TABLE)? {_NAME}\s+{_QUERY}",
        "delete": rf"DELETE FROM {_NAME}(?:\s+WHERE\s+(?P<condition>.*))?",  # noqa: S608 -- a pattern
        "query": _QUERY,
    }.items()
}
_COLUMN = re.compile(r"\s*`?(?P<name>\w+)`?\s+(?P<kind>[\w<>]+)(?:\s+NOT NULL)?\s*", re.IGNORECASE)
_PROPERTY = re.compile(r"'(?P<key>[^']+)'(?:\s*=\s*'(?P<value>[^']*)')?")
_IN_QUERY = re.compile(
    rf"(?P<text>'(?:[^']|'')*')|read_files\s*\(\s*'(?P<path>[^']+)'(?:\s*,\s*format\s*=>\s*'(?P<format>\w+)')?\s*\)|{_NAME}",
    re.IGNORECASE,
)


class Statements:
    """Runs statements and shows their results.

    Args:
        store: where results are.
        clock: how long they take, where nobody waits for them.
        options: durations.
        tables: what they change and read.
        volumes: what they read files of.
    """

    def __init__(
        self, store: Store, clock: Clock, options: DatabricksOptions, tables: Tables, volumes: Volumes
    ) -> None:
        self._store, self._clock, self._options = store, clock, options
        self._tables, self._volumes = tables, volumes
        # Of two overwrites of one version both would stand in delta-rs; Databricks lets one of them win.
        self._one_change = threading.Lock()
        self.handlers = {
            "statement_execution.execute_statement": self._execute,
            "statement_execution.get_statement": self._get,
        }
        self._run: dict[str, Callable[[dict[str, str], str], Arrow | None]] = {
            "create": self._create,
            "set": self._set,
            "unset": self._unset,
            "drop": self._drop,
            "insert": self._insert,
            "delete": self._delete,
            "query": self._query,
        }

    def _execute(self, call: Call) -> Reply:
        check_warehouse(call.text("warehouse_id"))
        call.refuse("parameters", "row_limit", "byte_limit")
        for field, accepted in (("disposition", "INLINE"), ("format", "JSON_ARRAY")):
            if call.body.get(field) not in (None, accepted):
                raise errors.NOT_IMITATED.refusal(what=f"{field} {call.body[field]}")
        text = call.text("statement").strip().rstrip(";")
        form, parts = _parsed(text)
        outcome: Body
        try:
            with nullcontext() if form == "query" else self._one_change:
                found = self._run[form](parts, call.user)
            outcome = {"state": "SUCCEEDED", "result": None if found is None else _shown(found)}
        except (sql.SqlFailed, Refusal, ValueError, TypeError, LookupError, NotImplementedError) as error:
            code = error.code if isinstance(error, Refusal) else "BAD_REQUEST"
            outcome = {"state": "FAILED", "error": {"error_code": code, "message": str(error)}}
        work = self._clock.begin("statement_execution.execute_statement", self._options.durations.statement)
        if work["fails"]:
            outcome = {
                "state": "FAILED",
                "error": {"error_code": "INTERNAL_ERROR", "message": "The statement failed."},
            }
        record: Body = {"id": uuid.uuid4().hex, "work": work, "outcome": outcome}
        self._store.put(_KIND, record["id"], record)
        changed = parts.get("name", "") if form != "query" and outcome["state"] == "SUCCEEDED" else ""
        waits = str(call.body.get("wait_timeout") or "10s") != "0s" and work["seconds"] is not None
        return Reply(_answer(record, is_done=waits), _plain(changed))

    def _get(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self._store.get(_KIND, call.params["statement_id"])
            if found is None:
                raise errors.NOT_FOUND.refusal(kind="Statement", name=call.params["statement_id"])
            if self._clock.look(found["work"]):
                self._store.put(_KIND, found["id"], found)
        return Reply(_answer(found, is_done=self._clock.is_done(found["work"])))

    def _create(self, parts: dict[str, str], user: str) -> None:
        name = _plain(parts["name"])
        if parts["maybe"] and self._tables.has(name):
            return
        self._tables.create(name, _columns(parts["columns"]), _properties(parts["properties"]), user)

    def _set(self, parts: dict[str, str], _: str) -> None:
        self._tables.set_properties(_plain(parts["name"]), _properties(parts["properties"]))

    def _unset(self, parts: dict[str, str], _: str) -> None:
        self._tables.set_properties(_plain(parts["name"]), dict.fromkeys(_properties(parts["properties"])))

    def _drop(self, parts: dict[str, str], _: str) -> None:
        name = _plain(parts["name"])
        if not parts["maybe"] or self._tables.has(name):
            self._tables.drop(name)

    def _insert(self, parts: dict[str, str], _: str) -> None:
        rows = self._selected(parts["query"])
        self._tables.write(_plain(parts["name"]), rows, overwrite=parts["how"].upper() == "OVERWRITE")

    def _delete(self, parts: dict[str, str], _: str) -> None:
        condition = parts["condition"] or "true"
        kept = self._selected(f"SELECT * FROM {parts['name']} WHERE NOT coalesce(({condition}), false)")  # noqa: S608 -- SQL is what is asked for
        self._tables.write(_plain(parts["name"]), kept, overwrite=True)

    def _query(self, parts: dict[str, str], _: str) -> Arrow:
        return self._selected(parts["query"])

    def _selected(self, query: str) -> Arrow:
        """The result of a query; the tables and files that it names are given to it by other names."""
        found: dict[str, Arrow] = {}

        def named(match: re.Match[str]) -> str:
            if match["text"]:
                return match["text"]
            alias = f"source_{len(found)}"
            if match["path"]:
                found[alias] = self._file(match["path"], match["format"])
                return alias
            name = _plain(match["name"])
            found[alias] = self._tables.rows(name)
            return alias

        rewritten = _IN_QUERY.sub(named, query).replace("`", '"')
        return sql.run(rewritten, found)

    def _file(self, path: str, kind: str | None) -> Arrow:
        if (kind or "").lower() != "parquet":
            raise errors.NOT_IMITATED.refusal(what=f"read_files with format {kind}")
        from pyarrow import parquet  # noqa: PLC0415 -- slow to load

        return parquet.read_table(io.BytesIO(self._volumes.content(path)))


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    for form, pattern in _FORMS.items():
        if found := pattern.fullmatch(text):
            return form, {name: value or "" for name, value in found.groupdict().items()}
    raise errors.NOT_IMITATED.refusal(what=f"the statement {text[:60]!r}")


def _columns(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        column = _COLUMN.fullmatch(part)
        if not column or column["kind"].lower() not in TYPES:
            raise errors.NOT_IMITATED.refusal(what=f"the column {part.strip()!r}")
        found[column["name"]] = column["kind"].lower()
    return found


def _properties(text: str) -> dict[str, str]:
    return {found["key"]: found["value"] or "" for found in _PROPERTY.finditer(text)}


def _plain(name: str) -> str:
    return name.replace("`", "")


def _shown(table: Arrow) -> Body:
    """A result in the form JSON_ARRAY: every value is text."""
    rows = [[None if value is None else _text(value) for value in row.values()] for row in table.to_pylist()]
    columns = [
        {"name": field.name, "position": position, "type_text": str(field.type).upper()}
        for position, field in enumerate(table.schema)
    ]
    return {"columns": columns, "rows": rows}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answer(record: Body, *, is_done: bool) -> Body:
    outcome = record["outcome"]
    if not is_done:
        return {"statement_id": record["id"], "status": {"state": "RUNNING"}}
    status: Body = {"state": outcome["state"]}
    if "error" in outcome:
        return {"statement_id": record["id"], "status": status | {"error": outcome["error"]}}
    found = outcome["result"] or {"columns": [], "rows": []}
    return {
        "statement_id": record["id"],
        "status": status,
        "manifest": {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(found["columns"]), "columns": found["columns"]},
            "total_row_count": len(found["rows"]),
        },
        "result": {"chunk_index": 0, "row_count": len(found["rows"]), "data_array": found["rows"]},
    }
