"""Tables of Unity Catalog as real Delta tables, in a folder of their own each, under random names.

delta-rs and Arrow are loaded by the first table: most sandboxes never have one.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.store import Store
from sandbox.databricks.tables.sql import Arrow

KIND = "table"
CHANGE_DATA_FEED = "delta.enableChangeDataFeed"
_TYPES: dict[str, Callable[[], Any]] = {
    "string": lambda: _arrow().string(),
    "int": lambda: _arrow().int32(),
    "bigint": lambda: _arrow().int64(),
    "long": lambda: _arrow().int64(),
    "float": lambda: _arrow().float32(),
    "double": lambda: _arrow().float64(),
    "boolean": lambda: _arrow().bool_(),
    "date": lambda: _arrow().date32(),
    "timestamp": lambda: _arrow().timestamp("us", tz="UTC"),
    "array<float>": lambda: _arrow().list_(_arrow().float32()),
    "array<double>": lambda: _arrow().list_(_arrow().float64()),
}
TYPES = frozenset(_TYPES)
"""Of columns, by their names in SQL."""


class Tables:
    """Creates, reads and writes tables.

    Args:
        store: where what is known of each is.
        folder: where the tables themselves are.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self.handlers = {"tables.get": self._get, "tables.delete": self._delete}

    def find(self, name: str) -> Body:
        """What is known of a table: columns, properties.

        Raises:
            Refusal: there is none.
        """
        found = self._store.get(KIND, name)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="Table", name=f"'{name}'")
        return found

    def has(self, name: str) -> bool:
        """Whether there is a table of this name."""
        return self._store.get(KIND, name) is not None

    def create(self, name: str, columns: Mapping[str, str], properties: Mapping[str, str], user: str) -> None:
        """Create an empty table.

        Raises:
            Refusal: there is one.
        """
        if self.has(name):
            raise errors.ALREADY_EXISTS.refusal(kind="Table", name=name)
        schema = _schema(columns)
        id_ = uuid.uuid4().hex
        from deltalake import DeltaTable  # noqa: PLC0415

        DeltaTable.create(str(self._folder / id_), schema, configuration=_of_delta(properties))
        record = {
            "name": name.rpartition(".")[2],
            "full_name": name,
            "table_id": id_,
            "owner": user,
            "created_by": user,
            "properties": dict(properties),
            "columns": dict(columns),
        }
        self._store.put(KIND, name, record)

    def write(self, name: str, rows: Arrow, *, overwrite: bool) -> None:
        """Append rows, or replace all of them; the columns are matched by their place.

        Raises:
            Refusal: there is no such table.
            ValueError: a value does not fit its column.
        """
        table = self.find(name)
        schema = _schema(table["columns"])
        fitting = rows.rename_columns(schema.names).cast(schema)
        from deltalake import write_deltalake  # noqa: PLC0415

        write_deltalake(self._opened(table), fitting, mode="overwrite" if overwrite else "append")

    def set_properties(self, name: str, properties: Mapping[str, str | None]) -> None:
        """Set properties of a table; None removes one.

        Raises:
            Refusal: there is no such table.
        """
        table = self.find(name)
        kept = {
            key: value for key, value in {**table["properties"], **properties}.items() if value is not None
        }
        if changed := {
            key: value for key, value in _of_delta(kept).items() if table["properties"].get(key) != value
        }:
            self._opened(table).alter.set_table_properties(changed)
        self._store.put(KIND, name, table | {"properties": kept})

    def version(self, name: str) -> int:
        """The newest version of a table."""
        return self._opened(self.find(name)).version()

    def rows(self, name: str, version: int | None = None) -> Arrow:
        """The rows of a table, of its newest version if none is named.

        Raises:
            Refusal: there is no such table.
        """
        return self._opened(self.find(name), version).to_pyarrow_table()

    def drop(self, name: str) -> None:
        """Drop a table.

        Raises:
            Refusal: there is none.
        """
        table = self.find(name)
        self._store.delete(KIND, name)
        shutil.rmtree(self._folder / table["table_id"], ignore_errors=True)

    def _opened(self, table: Body, version: int | None = None) -> Any:
        from deltalake import DeltaTable  # noqa: PLC0415

        return DeltaTable(str(self._folder / table["table_id"]), version=version)

    def _get(self, call: Call) -> Reply:
        found = self.find(call.params["full_name"])
        columns: list[Any] = [
            {"name": name, "type_text": kind, "position": position}
            for position, (name, kind) in enumerate(found["columns"].items())
        ]
        return Reply(found | {"columns": columns, "table_type": "MANAGED", "data_source_format": "DELTA"})

    def _delete(self, call: Call) -> Reply:
        self.drop(call.params["full_name"])
        return Reply({}, call.params["full_name"])


def _of_delta(properties: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in properties.items() if key.startswith("delta.")}


def _schema(columns: Mapping[str, str]) -> Any:
    return _arrow().schema([_arrow().field(column, _TYPES[kind]()) for column, kind in columns.items()])


def _arrow() -> Any:
    import pyarrow as pa  # noqa: PLC0415

    return pa
