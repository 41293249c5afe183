"""The rows of Direct Vector Access indexes: upserted, deleted, scanned."""

from __future__ import annotations

from typing import Any, cast

import orjson

from sandbox.databricks import errors, schemas
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.indexes import Indexes
from sandbox.databricks.store import Store
from sandbox.faults import FaultQueue

REQUEST_BYTES = 10 * 2**20
"""Of one upsert; from memory of the page "Resource and data size limits"."""
_MOST_SCANNED = 10_000
_DIRECT = "DIRECT_ACCESS"


class Rows:
    """Changes and lists rows.

    Args:
        store: where they are.
        indexes: whose they are.
        faults: those that make a part of a request fail.
        delay: seconds until a change shows.
    """

    def __init__(self, store: Store, indexes: Indexes, faults: FaultQueue, delay: float) -> None:
        self._store, self._indexes, self._faults, self._delay = store, indexes, faults, delay
        self.handlers = {
            "vector_search_indexes.upsert_data_vector_index": self._upsert,
            "vector_search_indexes.delete_data_vector_index": self._delete,
            "vector_search_indexes.scan_index": self._scan,
        }

    def _upsert(self, call: Call) -> Reply:
        index = self._writable(call, "upsert-data")
        text = call.text("inputs_json")
        if len(text.encode()) > REQUEST_BYTES:
            raise errors.TOO_LARGE.refusal(
                what="The request in bytes", found=len(text.encode()), most=REQUEST_BYTES
            )
        writes: dict[str, bytes] = {}
        failed: list[str] = []
        for row in _objects(text):
            key = schemas.key_of(row.get(index["primary_key"]), index["columns"][index["primary_key"]])
            if schemas.fits(row, index["columns"], index["vectors"]):
                writes[key] = orjson.dumps(schemas.whole(row, index["columns"]))
            else:
                failed.append(key)
        return self._written(call, index, dict(writes), failed)

    def _delete(self, call: Call) -> Reply:
        index = self._writable(call, "delete-data")
        given: Any = call.body.get("primary_keys") or call.query.get("primary_keys") or []
        if not isinstance(given, list) or not given:
            raise errors.INVALID.refusal(problem="primary_keys must be a list of at least one key")
        keys = cast("list[Any]", given)
        return self._written(call, index, dict.fromkeys(map(str, keys)), [])

    def _written(self, call: Call, index: Body, writes: dict[str, Any], failed: list[str]) -> Reply:
        """Store what can be, and say what could not: a partial failure is answered with 200."""
        method = "delete_data_vector_index" if None in writes.values() else "upsert_data_vector_index"
        if self._faults.take(f"vector_search_indexes.{method}", "end"):
            failed = [*failed, *list(writes)[1::2]]
            writes = {key: row for key, row in writes.items() if key not in failed}
        self._store.write(index["id"], writes.items(), self._delay)
        status = "SUCCESS" if not failed else "PARTIAL_SUCCESS" if writes else "FAILURE"
        result: Body = {"success_row_count": len(writes)}
        if failed:
            result["failed_primary_keys"] = failed
        return Reply({"status": status, "result": result}, call.params["index_name"] if writes else "")

    def _scan(self, call: Call) -> Reply:
        index = self._indexes.serving(call)
        number = call.number("num_results", 10, _MOST_SCANNED)
        kind = index["columns"][index["primary_key"]]
        self._store.settle(index["id"])
        rows = self._store.rows(index["id"])
        rows.sort(key=lambda row: row[index["primary_key"]])
        if after := call.body.get("last_primary_key"):
            last = after if kind == "string" else _whole(after)
            rows = [row for row in rows if row[index["primary_key"]] > last]
        data = [
            {"fields": [{"key": name, "value": _value(value)} for name, value in row.items()]}
            for row in rows[:number]
        ]
        more = {"last_primary_key": str(rows[:number][-1][index["primary_key"]])} if data else {}
        return Reply({"data": data, **more})

    def _writable(self, call: Call, what: str) -> Body:
        index = self._indexes.serving(call)
        if index["index_type"] != _DIRECT:
            raise errors.WRONG_INDEX_TYPE.refusal(what=what, name=index["name"], kind=index["index_type"])
        return index


def _objects(text: str) -> list[Body]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise errors.INVALID.refusal(problem=f"inputs_json is not JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):  # pyright: ignore[reportUnknownVariableType]
        raise errors.INVALID.refusal(problem="inputs_json must be a list of objects")
    return cast("list[Body]", found)


def _whole(text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise errors.INVALID.refusal(problem=f"last_primary_key is {text!r}, and keys are integers") from None


def _value(value: Any) -> Body:
    """A value as a message: one of the fields of google.protobuf.Value in snake_case."""
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case int() | float():
            return {"number_value": value}
        case str():
            return {"string_value": value}
        case _:
            return {"list_value": {"values": [_value(each) for each in value]}}
