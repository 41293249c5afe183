"""The datapoints of all indexes: a log of accepted changes in the store, and the rows that they add up to.

A change is on disk before it is acknowledged and shows in queries a little later, as with the real service. Decides
nothing about resources.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from google.cloud import aiplatform_v1 as v1

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import UpsertRequest
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.store import Store

T = TypeVar("T")
RemoveRequest = v1.RemoveDatapointsRequest.pb()
Change = Literal["upsert", "overwrite", "remove", "delete"]
"""`overwrite` replaces the fields of the request's update mask, `upsert` whole datapoints; `delete` becomes `remove` at the next
compaction and does nothing until then."""
_MESSAGES = {
    "upsert": UpsertRequest,
    "overwrite": UpsertRequest,
    "remove": RemoveRequest,
    "delete": RemoveRequest,
}


@dataclass
class _Held:
    """One generation of an index's content, in memory. Its lock comes after the store's, never before."""

    searcher: Searcher
    lock: threading.RLock = field(default_factory=threading.RLock)
    loaded: bool = False
    waiting: deque[tuple[float, Change, Any]] = field(default_factory=deque)
    """Accepted changes that do not show yet, each with the time when it will."""

    def catch_up(self) -> None:
        """Apply the changes that are due."""
        now, size = time.time(), len(self.waiting)
        while self.waiting and self.waiting[0][0] <= now:
            _, change, request = self.waiting.popleft()
            _apply(self.searcher, change, request)
        if len(self.waiting) < size:
            self.searcher.maintain(self.lock)


class Contents:
    """Content by index name and generation."""

    def __init__(self, store: Store, delay: float) -> None:
        self._store = store
        self._delay = delay
        self._held: dict[tuple[str, int], _Held] = {}
        self._lock = threading.Lock()
        with store.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT, "
                '"index" TEXT, generation INTEGER, change TEXT, shows REAL, payload BLOB)'
            )
            db.execute('CREATE INDEX IF NOT EXISTS changes_of ON changes ("index", generation)')

    def append(self, index: str, generation: int, config: Config, change: Change, request: Any) -> None:
        """Keep an accepted change; it shows after the delay."""
        held = self._hold(index, generation, config)
        payload = request.SerializeToString()
        with self._store.lock, held.lock:  # the order on disk is the order in memory
            shows = time.time() + self._delay
            self._write(index, generation, change, shows, [payload])
            held.waiting.append((shows, change, request))
            held.catch_up()

    def stage(self, index: str, generation: int, change: Change, payloads: Sequence[bytes]) -> None:
        """Write import data of a generation that is not served yet."""
        self._write(index, generation, change, 0.0, payloads)

    def discard(self, index: str, generation: int | None = None) -> None:
        """Delete a generation, or all of an index."""
        condition, values = '"index" = ?', [index]
        if generation is not None:
            condition, values = f"{condition} AND generation = ?", [index, str(generation)]
        with self._store.transaction() as db:
            db.execute(f"DELETE FROM changes WHERE {condition}", values)  # noqa: S608
        with self._lock:
            for key in [key for key in self._held if key[0] == index and generation in (None, key[1])]:
                del self._held[key]

    def copy(self, index: str, generation: int, to: int) -> None:
        """Begin a generation with what another one holds."""
        with self._store.transaction() as db:
            db.execute(
                'INSERT INTO changes ("index", generation, change, shows, payload) '
                'SELECT "index", ?, change, shows, payload FROM changes WHERE "index" = ? AND generation = ? ORDER BY sequence',
                (to, index, generation),
            )

    def compact(self, index: str, generation: int) -> None:
        """Remove what was only marked as deleted; what was written under the same id afterwards stays."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE changes SET change = 'remove' WHERE change = 'delete' AND \"index\" = ? AND generation = ?",
                (index, generation),
            )

    def read(self, index: str, generation: int, config: Config, use: Callable[[Searcher], T]) -> T:
        """Call `use` with what shows now, under the lock."""
        held = self._hold(index, generation, config)
        with held.lock:
            held.catch_up()
            return use(held.searcher)

    def prepare(self, index: str, generation: int, config: Config) -> None:
        """Load the rows and build the tree before the first query."""
        self._hold(index, generation, config)

    def _hold(self, index: str, generation: int, config: Config) -> _Held:
        key = (index, generation)
        held = self._held.get(key)
        if held is None:
            with self._lock:
                held = self._held.setdefault(key, _Held(Searcher(Corpus(config))))
        if not held.loaded:
            with held.lock:
                if not held.loaded:
                    self._load(held, index, generation)
                    held.loaded = True
        return held

    def _load(self, held: _Held, index: str, generation: int) -> None:
        query = 'SELECT change, shows, payload FROM changes WHERE "index" = ? AND generation = ? ORDER BY sequence'
        now = time.time()
        # A separate reader: loading must not block the store, whose lock would have to be taken first.
        with closing(self._store.reader()) as db:
            for change, shows, payload in db.execute(query, (index, generation)):
                request = _MESSAGES[change].FromString(payload)
                if shows > now or held.waiting:
                    held.waiting.append((shows, change, request))
                else:
                    _apply(held.searcher, change, request)
        held.searcher.build()

    def _write(
        self, index: str, generation: int, change: Change, shows: float, payloads: Sequence[bytes]
    ) -> None:
        with self._store.transaction() as db:
            db.executemany(
                'INSERT INTO changes ("index", generation, change, shows, payload) VALUES (?, ?, ?, ?, ?)',
                [(index, generation, change, shows, payload) for payload in payloads],
            )


def _apply(searcher: Searcher, change: Change, request: Any) -> None:
    if change == "upsert":
        searcher.corpus.upsert(request.datapoints)
    elif change == "overwrite":
        searcher.corpus.overwrite(request.datapoints, request.update_mask.paths)
    elif change == "remove":
        searcher.corpus.remove(request.datapoint_ids)
