"""How often each text was given to a model. Tests use it to prove that nothing was embedded twice.

Every answered document is an entry, even one that the deployment's cache answered, because the client asked again. The
real service has no such ledger; it is kept in the stand-in's database, and no API reads it.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sandbox.elastic.store import Store


class InferenceLedger:
    """The ledger, as inference writes it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS inferences (time REAL, deployment TEXT, purpose TEXT, cached INTEGER, "
                "text TEXT)"
            )

    def append(self, deployment: str, purpose: str, answered: Iterable[tuple[str, bool]]) -> None:
        """Record answered texts, each with whether the cache answered it."""
        now = time.time()
        with self._store.transaction() as db:
            db.executemany(
                "INSERT INTO inferences VALUES (?, ?, ?, ?, ?)",
                [(now, deployment, purpose, cached, text) for text, cached in answered],
            )


def read(state: Path, purpose: str = "ingest") -> Counter[str]:
    """How often each text was answered for a purpose (`ingest`, `search`, `infer`), from any process."""
    db = sqlite3.connect(f"file:{state / 'elastic.sqlite'}?mode=ro", uri=True, timeout=10)
    try:
        rows = db.execute(
            "SELECT text, count(*) FROM inferences WHERE purpose = ? GROUP BY text", (purpose,)
        ).fetchall()
    except sqlite3.OperationalError:
        rows = []
    finally:
        db.close()
    return Counter(dict(rows))
