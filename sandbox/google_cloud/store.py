"""What the three APIs hold: resources as JSON by their path below the project, and operations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.database import Database

Body = dict[str, Any]


@dataclass
class Operation:
    """A long-running operation, with everything that is needed to end it after a restart."""

    id: str
    method: str
    target: str
    """The path of what it changes: `global/networks/products`."""
    request: Body
    request_id: str
    started: float
    seconds: float
    done: bool = False
    error: Body | None = None
    """How it failed, or will fail: `status`, `reason`, `message` and the canonical `code`."""
    response: Body = field(default_factory=dict[str, Any])

    @property
    def ends(self) -> float:
        """When it is done, in Unix time."""
        return self.started + self.seconds


class Store(Database):
    """Two tables of JSON."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.is_new = not self.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'resources'").fetchone()
        with self.transaction() as db:
            db.execute("CREATE TABLE IF NOT EXISTS resources (path TEXT PRIMARY KEY, body TEXT)")
            db.execute(
                "CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, done INTEGER, target TEXT, request_id TEXT, "
                "record TEXT)"
            )

    def get(self, path: str) -> Body | None:
        """The resource at a path."""
        with self.lock:
            row = self.db.execute("SELECT body FROM resources WHERE path = ?", (path,)).fetchone()
        return json.loads(row[0]) if row else None

    def under(self, prefix: str) -> dict[str, Body]:
        """The resources whose paths begin so, by path."""
        with self.lock:
            rows = self.db.execute(
                "SELECT path, body FROM resources WHERE substr(path, 1, ?) = ? ORDER BY path",
                (len(prefix), prefix),
            ).fetchall()
        return {path: json.loads(body) for path, body in rows}

    def put(self, path: str, body: Body) -> None:
        """Insert or replace a resource."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO resources VALUES (?, ?)", (path, json.dumps(body)))

    def delete(self, path: str) -> None:
        """Delete a resource."""
        with self.transaction() as db:
            db.execute("DELETE FROM resources WHERE path = ?", (path,))

    def save(self, operation: Operation) -> None:
        """Insert or replace an operation."""
        with self.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?)",
                (
                    operation.id,
                    int(operation.done),
                    operation.target,
                    operation.request_id,
                    json.dumps(asdict(operation)),
                ),
            )

    def operations(self, condition: str, *values: object) -> list[Operation]:
        """The operations that fulfil an SQL condition, oldest first."""
        with self.lock:
            rows: Iterable[tuple[str]] = self.db.execute(
                f"SELECT record FROM operations WHERE {condition} ORDER BY rowid",  # noqa: S608
                values,
            ).fetchall()
        return [Operation(**json.loads(record)) for (record,) in rows]
