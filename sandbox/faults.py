"""Injected faults as data: a queue of instructions in the state folder, consumed and recorded.

Any process can add a fault; the stand-in that serves the method consumes it. This module knows no service: each front
decides how a fault looks on the wire.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from sandbox.database import shared

Kind = Literal["unavailable", "throttled", "reset", "stall"]
When = Literal["before", "after"]

_FIELDS = "id, method, kind, happens, seconds, times, remaining"


@dataclass(frozen=True)
class Fault:
    """One instruction: how the next calls of a method fail."""

    id: int
    method: str
    """The method's short name (`CreateIndex`), or `*` for any method."""
    kind: Kind
    when: When
    """Before the effect (nothing was changed) or after it (it was changed, the reply is lost)."""
    seconds: float
    """How long a stall lasts."""
    times: int
    """How many calls it was meant for."""
    remaining: int
    """How many calls are left."""


@dataclass(frozen=True)
class Struck:
    """One fault that happened."""

    fault: int
    method: str
    kind: Kind
    when: When
    time: float


class FaultQueue:
    """The queue of one state folder; cheap enough to be checked on every call."""

    def __init__(self, state: Path) -> None:
        self._lock = threading.Lock()
        self._db = _open(state)

    def take(self, method: str, when: When) -> Fault | None:
        """Consume and record the oldest fault that is due for this method now."""
        with self._lock:
            found = self._db.execute(
                f"SELECT {_FIELDS} FROM faults WHERE remaining > 0 AND happens = ? AND method IN (?, '*') "  # noqa: S608
                "ORDER BY id LIMIT 1",
                (when, method),
            ).fetchone()
            if found is None:
                return None
            fault = Fault(*found)
            with self._db:
                self._db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (fault.id,))
                self._db.execute(
                    "INSERT INTO struck VALUES (?, ?, ?, ?, ?)",
                    (fault.id, method, fault.kind, when, time.time()),
                )
            return fault

    def serves(self, methods: Iterable[str]) -> None:
        """Register which methods there are, so that no fault waits for a method that does not exist."""
        with self._lock, self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO methods VALUES (?)", [(method,) for method in methods]
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def add(
    state: Path, method: str, kind: Kind, when: When = "before", times: int = 1, seconds: float = 0.0
) -> int:
    """Queue a fault for the next `times` calls of `method` and return its id.

    Raises:
        ValueError: an unknown kind or time, a method that no stand-in of this folder has, or an invalid number.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"The kind of a fault is one of {', '.join(get_args(Kind))}, not {kind!r}.")
    if when not in get_args(When):
        raise ValueError(f"A fault happens {' or '.join(get_args(When))} the effect, not {when!r}.")
    if times < 1 or seconds < 0:
        raise ValueError(
            f"A fault needs times >= 1 and seconds >= 0, not times={times} and seconds={seconds}."
        )
    db = _open(state)
    known = [name for (name,) in db.execute("SELECT name FROM methods")]
    if method not in ("*", *known) and known:
        db.close()
        near = ", ".join(get_close_matches(method, known)) or "`python -m sandbox coverage` lists them all"
        raise ValueError(f"No stand-in here has a method {method!r}; nearest: {near}.")
    with db:
        row = db.execute(
            "INSERT INTO faults (method, kind, happens, seconds, times, remaining) VALUES (?, ?, ?, ?, ?, ?)",
            (method, kind, when, seconds, times, times),
        )
    db.close()
    return int(row.lastrowid or 0)


def pending(state: Path) -> list[Fault]:
    """The faults that have not struck yet, oldest first."""
    db = _open(state)
    rows = db.execute(f"SELECT {_FIELDS} FROM faults WHERE remaining > 0 ORDER BY id").fetchall()  # noqa: S608
    db.close()
    return [Fault(*row) for row in rows]


def struck(state: Path) -> list[Struck]:
    """The faults that have struck, in order."""
    db = _open(state)
    rows = db.execute("SELECT fault, method, kind, happens, time FROM struck ORDER BY rowid").fetchall()
    db.close()
    return [Struck(*row) for row in rows]


def clear(state: Path) -> None:
    """Drop the pending faults; the record of those that struck stays."""
    db = _open(state)
    with db:
        db.execute("UPDATE faults SET remaining = 0")
    db.close()


def _open(state: Path) -> sqlite3.Connection:
    return shared(
        state / "faults.sqlite",
        "faults (id INTEGER PRIMARY KEY, method TEXT, kind TEXT, happens TEXT, seconds REAL, times INTEGER, "
        "remaining INTEGER)",
        "struck (fault INTEGER, method TEXT, kind TEXT, happens TEXT, time REAL)",
        "methods (name TEXT PRIMARY KEY)",
    )
