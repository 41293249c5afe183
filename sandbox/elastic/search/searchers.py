"""From writes to searches: what was written waits until a refresh makes it visible, and scans keep what they began with.

Segments are in memory only; after a restart they are built again from the store, in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import numpy as np

from sandbox.elastic.documents.parsing import Value, parse
from sandbox.elastic.documents.store import Row
from sandbox.elastic.indices.store import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.searcher import Searcher
from sandbox.elastic.search.segments import Segment, SegmentBuilder, merged

if TYPE_CHECKING:
    from sandbox.elastic.cluster import Cluster

Array = np.ndarray[Any, Any]


@dataclass
class _Live:
    """One index: what is visible, and what is to become so."""

    segments: list[Segment] = field(default_factory=list)
    alive: list[Array] = field(default_factory=list)
    pending: SegmentBuilder = field(default_factory=SegmentBuilder)
    killed: list[int] = field(default_factory=list)
    """Sequence numbers that have been replaced or deleted since the last refresh."""
    superseded: list[int] = field(default_factory=list)
    """Sequence numbers of rows that no search sees any more, once nobody holds an older snapshot."""
    pins: int = 0
    refreshed: float = field(default_factory=time.monotonic)
    searcher: Searcher | None = None

    @property
    def dirty(self) -> bool:
        return bool(len(self.pending) or self.killed)


@dataclass(frozen=True)
class Found:
    """One document of a scan."""

    index: str
    id: str
    seq_no: int
    version: int
    source: dict[str, Any]


class Scan:
    """The documents that a query matches now, in the order of their writing, whatever is written meanwhile.

    Holds a snapshot until it is closed: use it in a `with` block.
    """

    def __init__(self, searchers: Searchers, chosen: list[tuple[Index, Array]]) -> None:
        self._searchers = searchers
        self._chosen = chosen
        self._open = True

    def __len__(self) -> int:
        return sum(len(numbers) for _, numbers in self._chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, start: int, stop: int) -> list[Found]:
        """The documents from position `start` on, up to but without `stop`.

        Raises:
            Refusal: an index is deleted, and its snapshot with it.
        """
        found: list[Found] = []
        for index, numbers in self._chosen:
            if not self._searchers.holds(index):
                raise search_errors.NO_CONTEXT.refusal(id=index.number)
            part = numbers[max(0, start) : max(0, stop)]
            rows = self._searchers.rows(index, part.tolist())
            found += [
                Found(index.name, row.id, row.seq_no, row.version, row.document())
                for row in rows
                if row.source
            ]
            start, stop = start - len(numbers), stop - len(numbers)
        return found

    def close(self) -> None:
        """Let the snapshot go."""
        if self._open:
            self._open = False
            for index, _ in self._chosen:
                self._searchers.unpin(index)


class Searchers:
    """The visible state of every index."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._live: dict[int, _Live] = {}
        self._lock = cluster.store.lock
        self._loading = threading.Lock()
        """Comes before the store's lock, never after it."""
        self._loader = threading.Thread(target=self._load_all, name="postings", daemon=True)

    def start(self) -> None:
        """Build, in the background, what an earlier run left in the store."""
        self._loader.start()

    def close(self) -> None:
        """Wait for the end of what is being built."""
        self._loader.join()

    def written(
        self, index: Index, seq_no: int, values: Mapping[str, Value] | None, previous: int | None
    ) -> None:
        """Take in a write that is in the store; `values` is None for a deletion."""
        if seq_no == 0:
            self._live.setdefault(index.number, _Live())
        live = self._live.get(index.number)
        if live is None:
            return  # loading will find the write in the store
        if previous is not None:
            live.killed.append(previous)
        if values is not None:
            live.pending.add(seq_no, values)

    def refresh(self, index: Index) -> Searcher:
        """Make all that was written visible."""
        self._load(index)
        with self._lock:
            live = self._of(index)
            self._refresh(index, live)
            return self._visible(index, live)

    def current(self, index: Index) -> Searcher:
        """What is visible now; refreshes first if the index's interval is over."""
        self._load(index)
        with self._lock:
            return self._current(index, self._of(index))

    def _refresh(self, index: Index, live: _Live) -> None:
        live.refreshed = time.monotonic()
        if live.dirty:
            self._publish(live)
        if not live.pins and live.superseded:
            self._cluster.documents.forget(index, live.superseded)
            live.superseded = []

    def _current(self, index: Index, live: _Live) -> Searcher:
        interval = index.refresh_seconds
        interval = self._cluster.options.refresh_seconds if interval is None else interval
        if live.dirty and 0 <= interval <= time.monotonic() - live.refreshed:
            self._refresh(index, live)
        return self._visible(index, live)

    def _visible(self, index: Index, live: _Live) -> Searcher:
        index = self._cluster.indices.get(index.name) or index  # its mapping may have grown
        if live.searcher is None or live.searcher.index is not index:
            live.searcher = Searcher(index, tuple(live.segments), tuple(live.alive))
        return live.searcher

    def counts(self, index: Index) -> tuple[int, int]:
        """How many documents are visible, and how many deleted ones are not yet merged away."""
        searcher = self.current(index)
        return searcher.count, searcher.size - searcher.count

    def pinned(self, index: Index) -> Searcher:
        """What is visible now, with its rows kept until `unpin`."""
        self._load(index)
        with self._lock:
            live = self._of(index)
            searcher = self._current(index, live)
            live.pins += 1
            return searcher

    def unpin(self, index: Index) -> None:
        """Let one `pinned` go."""
        with self._lock:
            if index.number in self._live:
                self._live[index.number].pins -= 1

    def holds(self, index: Index) -> bool:
        """Whether the index is still there, not only one of its name."""
        return index.number in self._live

    def rows(self, index: Index, sequence_numbers: list[int]) -> list[Row]:
        """Documents by their sequence numbers, in the order asked for."""
        return self._cluster.documents.rows(index, sequence_numbers)

    def scan(
        self, expression: str, query: Mapping[str, Any] | None = None, slice_: tuple[int, int] | None = None
    ) -> Scan:
        """The documents of these indices that a query matches (all without one), or a slice `(id, max)` of them.

        Raises:
            Refusal: an index is not there, or the query cannot be.
        """
        from sandbox.elastic.search.queries import matching  # noqa: PLC0415 - queries read searchers

        chosen: list[tuple[Index, Array]] = []
        with ExitStack() as failed:
            for index in self._cluster.indices.resolve(expression):
                searcher = self.pinned(index)
                failed.callback(self.unpin, index)
                numbers = searcher.sequence_numbers[matching(self._cluster, searcher, query)]
                chosen.append((index, numbers if slice_ is None else self._sliced(index, numbers, *slice_)))
            failed.pop_all()
        return Scan(self, chosen)

    def drop(self, index: Index) -> None:
        """Forget an index that is deleted."""
        self._cluster.documents.forget_all(index)
        self._live.pop(index.number, None)

    def _sliced(self, index: Index, numbers: Array, id_: int, maximum: int) -> Array:
        ids = self._cluster.documents.ids(index, numbers.tolist())
        mine = [seq_no for seq_no, name in ids if crc32(name.encode()) % maximum == id_]
        return np.array(mine, np.int64)

    def _publish(self, live: _Live) -> None:
        """The pending documents become a segment; what was killed dies, in copies that no search holds."""
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
        """The state of an index that is loaded; an empty one if it was deleted meanwhile."""
        return self._live.get(index.number) or _Live()

    def _load(self, index: Index) -> None:
        """Build what is in the store, unless that is done. Only what is written meanwhile needs the store's lock."""
        if index.number in self._live:
            return
        with self._loading:
            with self._lock:
                known = self._known(index)
                last = self._cluster.documents.last_sequence_number(index)
            if known is None:
                return
            live, newest = _Live(), dict[str, int]()
            with closing(self._cluster.store.reader()) as reader:
                self._take(known, live, newest, self._cluster.documents.writes(reader, known, 0, last))
            self._publish(live)
            with self._lock:
                known = self._known(index)
                if known is None:
                    return
                now = self._cluster.documents.last_sequence_number(index)
                rows = self._cluster.documents.writes(self._cluster.store.db, known, last + 1, now)
                self._take(known, live, newest, rows)
                self._publish(live)
                self._live[index.number] = live

    def _known(self, index: Index) -> Index | None:
        """The index as it is now; None when it is deleted, or loaded already."""
        now = self._cluster.indices.get(index.name)
        return now if now and now.number == index.number and now.number not in self._live else None

    def _take(self, index: Index, live: _Live, newest: dict[str, int], rows: Iterator[Row]) -> None:
        """Take in writes of an earlier run; `newest` keeps the last one of each id."""
        for row in rows:
            if row.id in newest:
                live.killed.append(newest[row.id])
            newest[row.id] = row.seq_no
            if row.source is not None:
                parsed = parse(row.document(), index.mapping, row.id, self._cluster.release, lenient=True)
                live.pending.add(row.seq_no, parsed.values)

    def _load_all(self) -> None:
        for index in list(self._cluster.indices):
            if self._cluster.ending.is_set():
                return
            self._load(index)


def _merge(live: _Live) -> None:
    """Few segments, each more than twice as large as the next; and none that is mostly deleted."""
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
