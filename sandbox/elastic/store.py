"""The one place where the stand-in keeps its state: SQLite, so that what was acknowledged survives `kill -9`.

Things that are few are JSON under a key (`Records`); documents have tables of their own (documents.py). Nothing here
knows a rule of the service.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson


class Store:
    """One SQLite file, one connection that writes, one lock."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._file = file
        self._depth = 0
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        # Written pages reach the operating system before a commit returns: enough against kill -9.
        self.db.execute("PRAGMA synchronous=NORMAL")

    def records(self, name: str) -> Records:
        """The records of one kind, whose table is made when it is not there."""
        return Records(self, name)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; may be nested, the outermost commits."""
        with self.lock:
            if self._depth == 0:
                self.db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self.db
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self.db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self.db.execute("COMMIT")

    def close(self) -> None:
        """Give the file back."""
        with self.lock:
            self.db.close()


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
