"""What was changed: every accepted call that changes something, in order. "Nothing was done again" is counted here.

Knows no service. Refused calls are not in it; a call whose reply was lost is, since it had its effect.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Write:
    """One accepted changing call."""

    service: str
    method: str
    resource: str
    time: float
    """Unix time of the acceptance."""


class WriteLog:
    """The log of one state folder, as a service appends to it."""

    def __init__(self, state: Path, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._db = _open(state)

    def append(self, method: str, resource: str) -> None:
        """Record a call that was accepted."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO writes VALUES (?, ?, ?, ?)", (self._service, method, resource, time.time())
            )

    def close(self) -> None:
        """Give the file back."""
        self._db.close()


def read(state: Path) -> list[Write]:
    """All changing calls, oldest first."""
    db = _open(state)
    rows = db.execute("SELECT service, method, resource, time FROM writes ORDER BY rowid").fetchall()
    db.close()
    return [Write(*row) for row in rows]


def count(state: Path) -> int:
    """How many changing calls there were."""
    db = _open(state)
    number = int(db.execute("SELECT count(*) FROM writes").fetchone()[0])
    db.close()
    return number


def _open(state: Path) -> sqlite3.Connection:
    state.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(state / "writes.sqlite", check_same_thread=False, timeout=10)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    with db:
        db.execute("CREATE TABLE IF NOT EXISTS writes (service TEXT, method TEXT, resource TEXT, time REAL)")
    return db
