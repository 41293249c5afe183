"""The stand-in's state, in SQLite, so that everything acknowledged survives `kill -9`.

Small collections are JSON under a key (`Records`); documents have a table of their own (documents/store.py). No rule of
the service is in here.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.database import Database


class Store(Database):
    """The database of one stand-in."""

    def records(self, name: str) -> Records:
        """The records of one kind; creates their table if there is none."""
        return Records(self, name)


class Records:
    """JSON values by key, in the order in which the keys were first written."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        with store.transaction() as db:
            db.execute(f'CREATE TABLE IF NOT EXISTS "{name}" (key TEXT PRIMARY KEY, value BLOB)')

    def get(self, key: str) -> Any | None:
        """The value of a key, as a fresh copy; None if there is none."""
        with self._store.lock:
            row = self._store.db.execute(f'SELECT value FROM "{self._name}" WHERE key = ?', (key,)).fetchone()  # noqa: S608
        return orjson.loads(row[0]) if row else None

    def all(self) -> dict[str, Any]:
        """All values by key."""
        with self._store.lock:
            rows = self._store.db.execute(f'SELECT key, value FROM "{self._name}" ORDER BY rowid').fetchall()  # noqa: S608
        return {key: orjson.loads(value) for key, value in rows}

    def put(self, key: str, value: Any) -> None:
        """Insert or replace a value."""
        with self._store.transaction() as db:
            db.execute(
                f'INSERT INTO "{self._name}" VALUES (?, ?) '  # noqa: S608
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, orjson.dumps(value)),
            )

    def delete(self, key: str) -> bool:
        """Delete a value; returns whether there was one."""
        with self._store.transaction() as db:
            return db.execute(f'DELETE FROM "{self._name}" WHERE key = ?', (key,)).rowcount > 0  # noqa: S608
