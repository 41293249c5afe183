"""What the workspace holds, in SQLite: records of JSON by kind and name, rows of indexes, and writes that do not show yet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from sandbox.database import Database

Body = dict[str, Any]
Written = tuple[str, bytes | None]
"""A primary key and its row as JSON; None: it is deleted."""


class Store(Database):
    """Three tables."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._changes: Counter[str] = Counter()
        with self.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS records (kind TEXT, name TEXT, body BLOB, PRIMARY KEY (kind, name))"
            )
            db.execute(
                "CREATE TABLE IF NOT EXISTS rows (index_id TEXT, key TEXT, row BLOB, PRIMARY KEY (index_id, key))"
            )
            db.execute(
                "CREATE TABLE IF NOT EXISTS writes (number INTEGER PRIMARY KEY, index_id TEXT, shows REAL, key TEXT, row BLOB)"
            )

    def get(self, kind: str, name: str) -> Body | None:
        """A record, as a fresh copy."""
        with self.lock:
            found = self.db.execute(
                "SELECT body FROM records WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return orjson.loads(found[0]) if found else None

    def all(self, kind: str) -> dict[str, Body]:
        """The records of a kind by name, sorted."""
        with self.lock:
            found = self.db.execute(
                "SELECT name, body FROM records WHERE kind = ? ORDER BY name", (kind,)
            ).fetchall()
        return {name: orjson.loads(body) for name, body in found}

    def put(self, kind: str, name: str, body: Body) -> None:
        """Insert or replace a record."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, name, orjson.dumps(body)))

    def delete(self, kind: str, name: str) -> None:
        """Delete a record."""
        with self.transaction() as db:
            db.execute("DELETE FROM records WHERE kind = ? AND name = ?", (kind, name))

    def write(self, index_id: str, writes: Iterable[Written], delay: float) -> None:
        """Write rows of an index, which show after some seconds."""
        shows = time.time() + delay
        with self.transaction() as db:
            db.executemany(
                "INSERT INTO writes (index_id, shows, key, row) VALUES (?, ?, ?, ?)",
                ((index_id, shows, key, row) for key, row in writes),
            )

    def settle(self, index_id: str) -> int:
        """Let the writes of an index show that are due. Returns a number that is another one once its rows have changed."""
        with self.transaction() as db:
            due = db.execute(
                "SELECT number, key, row FROM writes WHERE index_id = ? AND shows <= ? ORDER BY number",
                (index_id, time.time()),
            ).fetchall()
            for number, key, row in due:
                if row is None:
                    db.execute("DELETE FROM rows WHERE index_id = ? AND key = ?", (index_id, key))
                else:
                    db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (index_id, key, row))
                db.execute("DELETE FROM writes WHERE number = ?", (number,))
            self._changes[index_id] += bool(due)
            return self._changes[index_id]

    def rows(self, index_id: str) -> list[Body]:
        """All rows of an index that show, in the order of their keys."""
        with self.lock:
            found = self.db.execute(
                "SELECT row FROM rows WHERE index_id = ? ORDER BY key", (index_id,)
            ).fetchall()
        return [orjson.loads(row) for (row,) in found]

    def count(self, index_id: str) -> int:
        """How many rows of an index show."""
        with self.lock:
            return int(
                self.db.execute("SELECT count(*) FROM rows WHERE index_id = ?", (index_id,)).fetchone()[0]
            )

    def forget(self, index_id: str) -> None:
        """Drop all rows of an index."""
        with self.transaction() as db:
            db.execute("DELETE FROM rows WHERE index_id = ?", (index_id,))
            db.execute("DELETE FROM writes WHERE index_id = ?", (index_id,))
            self._changes[index_id] += 1
