"""The write log: the calls that succeeded and changed something. Tests count them to show that nothing was done twice.

It knows no service. A call whose reply was lost by a fault is logged, because it took effect. A call that ended with an
error is not, even if it took effect partly: a start that timed out, a copy that failed halfway.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.database import shared


@dataclass(frozen=True)
class Write:
    """One call that changed something."""

    service: str
    method: str
    resource: str
    time: float
    """Unix time at which it was answered."""


class WriteLog:
    """The log of one state folder, as a service appends to it."""

    def __init__(self, state: Path, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._db = _open(state)

    def append(self, method: str, resource: str) -> None:
        """Record a call that succeeded."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO writes VALUES (?, ?, ?, ?)", (self._service, method, resource, time.time())
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def read(state: Path) -> list[Write]:
    """All changing calls, oldest first."""
    db = _open(state)
    rows = db.execute("SELECT service, method, resource, time FROM writes ORDER BY rowid").fetchall()
    db.close()
    return [Write(*row) for row in rows]


def count(state: Path) -> int:
    """The number of changing calls."""
    db = _open(state)
    number = int(db.execute("SELECT count(*) FROM writes").fetchone()[0])
    db.close()
    return number


def _open(state: Path) -> sqlite3.Connection:
    return shared(state / "writes.sqlite", "writes (service TEXT, method TEXT, resource TEXT, time REAL)")
