"""The one place where the stand-in keeps its state: SQLite, so that what was acknowledged survives `kill -9`.

Records are flat dataclasses, one table each; messages are kept as bytes. No rule of the service is in here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from sandbox.database import Database

R = TypeVar("R")
_COLUMN_TYPES = {"int": "INTEGER", "float": "REAL", "str": "TEXT", "bytes": "BLOB"}


@dataclass
class Resource:
    """An Index or an IndexEndpoint."""

    name: str
    kind: str
    """`Index` or `IndexEndpoint`."""
    sequence: int
    """Order of creation; listings run from the newest to the oldest."""
    message: bytes
    """The resource as clients see it, without what is computed on each read."""
    ready_at: float = 0.0
    """When its creation was done, as a Unix time; 0 until then."""
    content: int = 0
    """An Index: the generation of its datapoints; every import makes a new one."""
    uncompacted: int = 0
    """An Index: how many datapoints partial updates have written or deleted since it was last compacted."""


@dataclass
class Deployment:
    """A deployed index, from the acceptance of DeployIndex until UndeployIndex is done."""

    id: str
    endpoint: str
    index: str
    message: bytes
    address: str = ""
    """Where its private MatchService listens; empty on a public endpoint."""
    ready_at: float = 0.0
    """When the deployment was done; 0 while it is under way."""
    content: int = -1
    """The generation of datapoints that it serves; -1: its index's."""
    coming: int = -1
    """The generation that it will serve, from `follows_at` on."""
    follows_at: float = 0.0
    """When it will have followed its index, as a Unix time; 0 if it has."""


@dataclass
class Operation:
    """A long-running operation, with everything that is needed to continue it after a restart."""

    name: str
    sequence: int
    method: str
    target: str
    """The name of the resource that it changes."""
    deployed_index_id: str
    request: bytes
    started: float
    updated: float
    seconds: float
    """How long it takes, counted from `started`, even across a restart."""
    reads_left: int
    """The number of reads that are left until it is done; -1 when time decides."""
    worked: int = 0
    """1 when its work (reading import files) is done, successfully or not."""
    done: int = 0
    details: bytes = b""
    """NearestNeighborSearchOperationMetadata, for those that read files."""
    error_code: int = 0
    error_text: str = ""
    response: bytes = b""
    """google.protobuf.Any, once it is done."""
    uncompacted: int = 0
    """What the index that it updates will have as `uncompacted`."""
    version: str = "v1"
    """The version of the API through which it was started, and in which it shows its metadata and response."""


class Table(Generic[R]):
    """The records of one type; the first field is the key."""

    def __init__(self, store: Store, record: type[R]) -> None:
        self._store = store
        self._record = record
        self._fields = [field.name for field in dataclasses.fields(record)]  # pyright: ignore[reportArgumentType]
        self._name = record.__name__.lower()
        types = [_COLUMN_TYPES[field.type] for field in dataclasses.fields(record)]  # pyright: ignore[reportArgumentType]
        columns = [f'"{name}" {kind}' for name, kind in zip(self._fields, types, strict=True)]
        columns[0] += " PRIMARY KEY"
        with store.transaction() as db:
            db.execute(f"CREATE TABLE IF NOT EXISTS {self._name} ({', '.join(columns)})")
            there = {row[1] for row in db.execute(f"PRAGMA table_info({self._name})")}
            for field, column in zip(dataclasses.fields(record), columns, strict=True):  # pyright: ignore[reportArgumentType]
                if field.name not in there:  # the folder is from before this field
                    db.execute(f"ALTER TABLE {self._name} ADD COLUMN {column} DEFAULT '{field.default}'")

    def get(self, key: str) -> R | None:
        """The record with this key."""
        return next(iter(self.where(f'"{self._fields[0]}" = ?', key)), None)

    def where(self, condition: str = "1", *values: Any) -> list[R]:
        """The records that fulfil an SQL condition."""
        with self._store.lock:
            rows = self._store.db.execute(f"SELECT * FROM {self._name} WHERE {condition}", values).fetchall()  # noqa: S608
        return [self._record(*row) for row in rows]

    def put(self, record: R) -> None:
        """Insert or replace the record."""
        places = ", ".join("?" * len(self._fields))
        with self._store.transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO {self._name} VALUES ({places})",  # noqa: S608
                dataclasses.astuple(record),  # pyright: ignore[reportArgumentType]
            )

    def delete(self, key: str) -> None:
        """Delete the record with this key."""
        with self._store.transaction() as db:
            db.execute(f'DELETE FROM {self._name} WHERE "{self._fields[0]}" = ?', (key,))  # noqa: S608

    def next_sequence(self) -> int:
        """A number greater than that of any record so far, including deleted ones: generations are named by it."""
        first = f"SELECT coalesce(max(sequence), 0) + 1 FROM {self._name}"  # noqa: S608
        with self._store.transaction() as db:
            row = db.execute(
                f"INSERT INTO sequences VALUES (?, ({first})) "  # noqa: S608
                "ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
                (self._name,),
            ).fetchone()
        return int(row[0])


class Store(Database):
    """The stand-in's tables."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        with self.transaction() as db:
            db.execute("CREATE TABLE IF NOT EXISTS sequences (name TEXT PRIMARY KEY, last INTEGER)")
        self.resources = Table(self, Resource)
        self.deployments = Table(self, Deployment)
        self.operations = Table(self, Operation)
