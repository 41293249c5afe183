"""The one place where the stand-in keeps its state: SQLite, so that what was acknowledged survives `kill -9`.

Things that are few are JSON under a key (`Records`); documents have tables of their own (documents.py). Nothing here
knows a rule of the service.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.database import Database


class Store(Database):
    """The stand-in's records of every kind."""

    def records(self, name: str) -> Records:
        """The records of one kind, whose table is made when it is not there."""
        return Records(self, name)


class Records:
    """JSON under a key, in the order of its first writing: indices, aliases, pipelines, models, scripts."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        with store.transaction() as db:
            db.execute(f'CREATE TABLE IF NOT EXISTS "{name}" (key TEXT PRIMARY KEY, value BLOB)')

    def get(self, key: str) -> Any | None:
        """What stands under the key, as a copy of one's own."""
        with self._store.lock:
            row = self._store.db.execute(f'SELECT value FROM "{self._name}" WHERE key = ?', (key,)).fetchone()  # noqa: S608
        return orjson.loads(row[0]) if row else None

    def all(self) -> dict[str, Any]:
        """Everything."""
        with self._store.lock:
            rows = self._store.db.execute(f'SELECT key, value FROM "{self._name}" ORDER BY rowid').fetchall()  # noqa: S608
        return {key: orjson.loads(value) for key, value in rows}

    def put(self, key: str, value: Any) -> None:
        """Write, whether it is new or not."""
        with self._store.transaction() as db:
            db.execute(
                f'INSERT INTO "{self._name}" VALUES (?, ?) '  # noqa: S608
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, orjson.dumps(value)),
            )

    def delete(self, key: str) -> bool:
        """Forget; whether there was something."""
        with self._store.transaction() as db:
            return db.execute(f'DELETE FROM "{self._name}" WHERE key = ?', (key,)).rowcount > 0  # noqa: S608
