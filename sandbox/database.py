"""SQLite files: a stand-in's own (one connection that writes, one lock, nested transactions), and shared ones.

What was acknowledged survives `kill -9`. This module knows no service and no table.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def shared(file: Path, *tables: str) -> sqlite3.Connection:
    """A small file that several processes read and write, with its tables."""
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, check_same_thread=False, timeout=10)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    with db:
        for table in tables:
            db.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    return db


class Database:
    """One file; the fronts that use it are threads of one process."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._file = file
        self._depth = 0
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        # Written pages reach the operating system before a commit returns, which is enough to survive kill -9.
        self.db.execute("PRAGMA synchronous=NORMAL")

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing. Transactions can be nested; the outermost one commits."""
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

    def reader(self) -> sqlite3.Connection:
        """A connection that sees what is committed and waits for no lock."""
        return sqlite3.connect(self._file, check_same_thread=False)

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.db.close()
