"""Injected faults as data: a queue of instructions in the state folder, consumed and recorded.

Any process can add a fault; the stand-in that serves the method consumes it. This module knows no service: each front
decides how a fault looks on the wire, and registers which faults are possible there.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from sandbox.database import shared

WireKind = Literal["unavailable", "aborted", "internal", "throttled", "reset", "stall"]
"""How any call can fail."""
ModelKind = Literal[
    "quota", "cut-off", "empty", "invented-citation", "misquotation", "obedience", "outside-knowledge"
]
"""How a model's answer can be wrong although its call succeeds, and the quota that no retry brings back."""
Kind = Literal[WireKind, ModelKind]
When = Literal["before", "after", "end"]
Possible = tuple[str, When, Kind]
"""A method's short name, when a fault can happen there, and its kind."""

_FIELDS = "id, method, kind, happens, seconds, retry_after, times, remaining"
_DUE = (
    "remaining > 0 AND happens = :when AND method IN (:method, '*') AND EXISTS (SELECT 1 FROM possible "
    "WHERE possible.method = :method AND possible.happens = :when AND possible.kind = instructions.kind)"
)


@dataclass(frozen=True)
class Fault:
    """One instruction: how the next calls of a method fail."""

    id: int
    method: str
    """The method's short name (`CreateIndex`), or `*` for any method."""
    kind: Kind
    when: When
    """Before the effect (nothing was changed), after it (it was changed, the reply is lost), or at the end of the
    operation that the call starts: the call succeeds, and its operation fails, or stalls."""
    seconds: float
    """How long a stall lasts; infinite for as long as the caller waits, and for an operation that never ends."""
    retry_after: float | None
    """Throttled: the seconds after which the answer asks to try again; None if it does not say."""
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
                f"SELECT {_FIELDS} FROM instructions WHERE {_DUE} ORDER BY id LIMIT 1",  # noqa: S608
                {"method": method, "when": when},
            ).fetchone()
            if found is None:
                return None
            fault = Fault(*found)
            with self._db:
                self._db.execute(
                    "UPDATE instructions SET remaining = remaining - 1 WHERE id = ?", (fault.id,)
                )
                self._db.execute(
                    "INSERT INTO struck VALUES (?, ?, ?, ?, ?)",
                    (fault.id, method, fault.kind, when, time.time()),
                )
            return fault

    def serves(self, possible: Iterable[Possible]) -> None:
        """Register which faults are possible, so that none waits for a method that does not exist."""
        with self._lock, self._db:
            self._db.executemany("INSERT OR IGNORE INTO possible VALUES (?, ?, ?)", possible)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def add(
    state: Path,
    method: str,
    kind: Kind,
    when: When = "before",
    times: int = 1,
    seconds: float | None = None,
    retry_after: float | None = None,
) -> int:
    """Queue a fault for the next `times` calls of `method` and return its id.

    Args:
        state: the sandbox's folder.
        method: the method's short name, or `*` for any method where such a fault is possible.
        kind: how it fails.
        when: before the call takes effect, after it, or at the end of the operation that it starts.
        times: the number of calls that fail.
        seconds: the duration of a stall; None for as long as the caller waits, or an operation that never ends.
        retry_after: throttled: the seconds after which the answer asks to try again; None if it does not say.

    Raises:
        ValueError: an unknown kind or time, a method that no stand-in of this folder has, a fault that the method
            cannot have, or an invalid number.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"The kind of a fault is one of {', '.join(get_args(Kind))}, not {kind!r}.")
    if when not in get_args(When):
        raise ValueError(f"A fault happens {', '.join(get_args(When))}, not {when!r}.")
    lasts = math.inf if seconds is None else seconds
    if times < 1 or not lasts >= 0 or not (retry_after is None or 0 <= retry_after < math.inf):
        raise ValueError(
            f"A fault needs times >= 1, seconds >= 0 and retry_after >= 0, not times={times}, seconds={seconds} and "
            f"retry_after={retry_after}."
        )
    if retry_after is not None and kind != "throttled":
        raise ValueError(f"Only a throttled call says when to try again, not one that is {kind}.")
    _refuse_impossible(possible(state), method, kind, when)
    db = _open(state)
    with db:
        row = db.execute(
            "INSERT INTO instructions (method, kind, happens, seconds, retry_after, times, remaining) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (method, kind, when, lasts, retry_after, times, times),
        )
    db.close()
    return int(row.lastrowid or 0)


def possible(state: Path) -> list[Possible]:
    """The faults that the stand-ins of this folder have, once they have started on it, in the order of their methods."""
    db = _open(state)
    rows = db.execute("SELECT method, happens, kind FROM possible ORDER BY rowid").fetchall()
    db.close()
    return [(method, when, kind) for method, when, kind in rows]


def _refuse_impossible(known: list[Possible], method: str, kind: Kind, when: When) -> None:
    """Refuse a fault for which nothing is registered; a folder on which nothing has started yet knows none."""
    of_method = [each for each in known if method in ("*", each[0])]
    if (
        not known
        or (method, when, kind) in known
        or (method == "*" and (when, kind) in {p[1:] for p in known})
    ):
        return
    if not of_method:
        near = ", ".join(get_close_matches(method, dict.fromkeys(each[0] for each in known)))
        raise ValueError(
            f"No stand-in here has a method {method!r}; nearest: {near or '`python -m sandbox faults methods` lists them'}."
        )
    kinds = ", ".join(dict.fromkeys(each[2] for each in of_method if each[1] == when))
    where = {
        "before": "before its effect",
        "after": "after its effect",
        "end": "at the end of what it starts",
    }[when]
    raise ValueError(
        f"{method} cannot be {kind} {where}; "
        + (f"possible there: {kinds}." if kinds else "it starts no operation.")
    )


def pending(state: Path) -> list[Fault]:
    """The faults that have not struck yet, oldest first."""
    db = _open(state)
    rows = db.execute(f"SELECT {_FIELDS} FROM instructions WHERE remaining > 0 ORDER BY id").fetchall()  # noqa: S608
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
        db.execute("UPDATE instructions SET remaining = 0")
    db.close()


def _open(state: Path) -> sqlite3.Connection:
    # Not named as in earlier versions, whose columns differ: a state folder outlives an upgrade.
    return shared(
        state / "faults.sqlite",
        "instructions (id INTEGER PRIMARY KEY, method TEXT, kind TEXT, happens TEXT, seconds REAL, retry_after REAL, "
        "times INTEGER, remaining INTEGER)",
        "struck (fault INTEGER, method TEXT, kind TEXT, happens TEXT, time REAL)",
        "possible (method TEXT, happens TEXT, kind TEXT, UNIQUE (method, happens, kind))",
    )
