"""From writes to searches: a refresh makes writes visible, and pinned snapshots keep what they started with.

Segments are in memory only. After a restart they are rebuilt from the database, in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.elastic.documents.parsing import Value, parse
from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search.searcher import Searcher
from sandbox.elastic.search.segments import Segment, SegmentBuilder, merged
from sandbox.elastic.store import Store
from sandbox.elastic.versions import Release

Array = np.ndarray[Any, Any]


@dataclass
class _Live:
    """One index: what is visible, and what the next refresh makes visible."""

    segments: list[Segment] = field(default_factory=list)
    alive: list[Array] = field(default_factory=list)
    pending: SegmentBuilder = field(default_factory=SegmentBuilder)
    killed: list[int] = field(default_factory=list)
    """Sequence numbers replaced or deleted since the last refresh."""
    superseded: list[int] = field(default_factory=list)
    """Sequence numbers of rows that no search sees any more once older snapshots are released."""
    pins: int = 0
    refreshed: float = field(default_factory=time.monotonic)
    searcher: Searcher | None = None
    searches: int = 0
    seconds: float = 0.0
    """How long they took."""

    @property
    def dirty(self) -> bool:
        return bool(len(self.pending) or self.killed)


class Searchers:
    """The visible state of every index."""

    def __init__(
        self,
        store: Store,
        indices: Indices,
        documents: DocumentStore,
        release: Release,
        refresh_seconds: float,
        ending: threading.Event,
    ) -> None:
        self._store = store
        self._indices = indices
        self._documents = documents
        self._release = release
        self._refresh_seconds = refresh_seconds
        self._ending = ending
        self._live: dict[int, _Live] = {}
        self._lock = store.lock
        self._loading = threading.Lock()
        """Acquired before the database's lock, never after it."""
        self._loader = threading.Thread(target=self._load_all, name="postings", daemon=True)
        indices.when_deleted(self._drop)

    def start(self) -> None:
        """Start to load, in the background, what an earlier run left in the database."""
        self._loader.start()

    def close(self) -> None:
        """Wait until loading has ended."""
        if self._loader.ident is not None:
            self._loader.join()

    def written(
        self, index: Index, seq_no: int, values: Mapping[str, Value] | None, previous: int | None
    ) -> None:
        """Add a stored write; `values` is None for a deletion."""
        if seq_no == 0:
            self._live.setdefault(index.number, _Live())
        live = self._live.get(index.number)
        if live is None:
            return  # loading will find the write in the database
        if previous is not None:
            live.killed.append(previous)
        if values is not None:
            live.pending.add(seq_no, values)

    def refresh(self, index: Index) -> Searcher:
        """Make everything written visible."""
        self._load(index)
        with self._lock:
            live = self._of(index)
            self._refresh(index, live)
            return self._visible(index, live)

    def current(self, index: Index) -> Searcher:
        """What is visible now; refreshes first if the index's refresh interval has passed."""
        self._load(index)
        with self._lock:
            return self._current(index, self._of(index))

    def _refresh(self, index: Index, live: _Live) -> None:
        live.refreshed = time.monotonic()
        if live.dirty:
            self._publish(live)
        if not live.pins and live.superseded:
            self._documents.forget(index, live.superseded)
            live.superseded = []

    def _current(self, index: Index, live: _Live) -> Searcher:
        interval = index.refresh_seconds
        interval = self._refresh_seconds if interval is None else interval
        if live.dirty and 0 <= interval <= time.monotonic() - live.refreshed:
            self._refresh(index, live)
        return self._visible(index, live)

    def _visible(self, index: Index, live: _Live) -> Searcher:
        index = self._indices.get(index.name) or index  # its mapping may have grown
        if live.searcher is None or live.searcher.index is not index:
            live.searcher = Searcher(index, tuple(live.segments), tuple(live.alive))
        return live.searcher

    def counts(self, index: Index) -> tuple[int, int]:
        """The numbers of visible documents and of deleted ones not yet merged away."""
        searcher = self.current(index)
        return searcher.count, searcher.size - searcher.count

    def open_contexts(self, index: Index) -> int:
        """How many snapshots are held by scrolls, points in time and scans."""
        with self._lock:
            return self._of(index).pins

    def searched(self, index: Index, seconds: float) -> None:
        """Count one search of an index."""
        with self._lock:
            live = self._of(index)
            live.searches, live.seconds = live.searches + 1, live.seconds + seconds

    def searches(self, index: Index) -> tuple[int, float]:
        """How many searches ran since the server started, and the seconds that they took."""
        with self._lock:
            live = self._of(index)
            return live.searches, live.seconds

    def pinned(self, index: Index) -> Searcher:
        """What is visible now; its rows are kept until `unpin`."""
        self._load(index)
        with self._lock:
            live = self._of(index)
            searcher = self._current(index, live)
            live.pins += 1
            return searcher

    def unpin(self, index: Index) -> None:
        """Release one `pinned` snapshot."""
        with self._lock:
            if index.number in self._live:
                self._live[index.number].pins -= 1

    def holds(self, index: Index) -> bool:
        """Whether this very index still exists, not just one of the same name."""
        return index.number in self._live

    def _drop(self, index: Index) -> None:
        self._live.pop(index.number, None)

    def _publish(self, live: _Live) -> None:
        """Turn pending documents into a segment and mark killed ones as deleted, in copies that no search holds."""
        if len(live.pending):
            segment = live.pending.sealed()
            live.segments.append(segment)
            live.alive.append(np.ones(segment.size, bool))
            live.pending = SegmentBuilder()
        killed = np.array(sorted(live.killed), np.int64)
        for number, segment in enumerate(live.segments):
            dead = np.isin(segment.sequence_numbers, killed) if len(killed) else None
            if dead is not None and dead.any():
                live.alive[number] = live.alive[number] & ~dead
        live.superseded += live.killed
        live.killed = []
        _merge(live)
        live.searcher = None

    def _of(self, index: Index) -> _Live:
        """The state of a loaded index; an empty one if it was deleted meanwhile."""
        return self._live.get(index.number) or _Live()

    def _load(self, index: Index) -> None:
        """Load an index unless it is loaded. Only writes made meanwhile are read under the database's lock."""
        if index.number in self._live:
            return
        with self._loading:
            with self._lock:
                known = self._known(index)
                last = self._documents.last_sequence_number(index)
            if known is None:
                return
            live, newest = _Live(), dict[str, int]()
            with closing(self._store.reader()) as reader:
                self._take(known, live, newest, self._documents.writes(reader, known, 0, last))
            self._publish(live)
            with self._lock:
                known = self._known(index)
                if known is None:
                    return
                now = self._documents.last_sequence_number(index)
                rows = self._documents.writes(self._store.db, known, last + 1, now)
                self._take(known, live, newest, rows)
                self._publish(live)
                self._live[index.number] = live

    def _known(self, index: Index) -> Index | None:
        """The current index; None if it was deleted or is already loaded."""
        now = self._indices.get(index.name)
        return now if now and now.number == index.number and now.number not in self._live else None

    def _take(self, index: Index, live: _Live, newest: dict[str, int], rows: Iterator[Row]) -> None:
        """Add writes of an earlier run; `newest` keeps the last one of each id."""
        for row in rows:
            if row.id in newest:
                live.killed.append(newest[row.id])
            newest[row.id] = row.seq_no
            if row.source is not None:
                parsed = parse(row.document(), index.mapping, row.id, self._release, lenient=True)
                live.pending.add(row.seq_no, parsed.values)

    def _load_all(self) -> None:
        for index in list(self._indices):
            if self._ending.is_set():
                return
            self._load(index)


def _merge(live: _Live) -> None:
    """Merge segments until each is more than twice as large as the next and none is mostly deleted."""
    while True:
        sizes = [int(alive.sum()) for alive in live.alive]
        last = len(sizes) - 1
        if last >= 1 and sizes[last - 1] <= 2 * sizes[last]:
            together = slice(last - 1, last + 1)
        else:
            hollow = [
                place for place, size in enumerate(sizes) if size * 2 < live.segments[place].size or not size
            ]
            if not hollow:
                return
            together = slice(hollow[0], hollow[0] + 1)
        segment = merged(live.segments[together], live.alive[together])
        kept = segment.size > 0
        live.segments[together] = [segment] if kept else []
        live.alive[together] = [np.ones(segment.size, bool)] if kept else []
