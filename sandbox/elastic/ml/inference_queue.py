"""The queue in front of one deployment's allocations on one node: bounded, with search before ingest.

One worker thread is one allocation and answers one document at a time, no faster than the simulated time. The model
itself runs for many waiting documents at once, since it is faster so; who waits sees no difference. Nothing here
knows HTTP or where an allocation was placed.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.elastic.errors import Refusal
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.splade import Embedding

AT_ONCE = 32
"""Waiting documents for which the model runs together; 32, beyond which nothing gets faster."""
SEARCH, INGEST = 0, 1
"""Priorities: what a search waits for jumps the queue."""
CACHE_LIMIT = 64 << 20
"""Bytes that a cache takes at most, whatever was asked for: this is a laptop's memory."""
BYTES_PER_TOKEN = 80
"""Of a token and its weight in a dict, about."""
_MODEL = threading.Lock()
"""One run of the model at a time: its matrix products use the processors better than threads would."""

Embed = Callable[[Sequence[str]], "list[Embedding]"]


class EmbeddingCache:
    """What a deployment answered lately, by text; the longest unused goes first."""

    def __init__(self, size: int) -> None:
        self._limit = min(size, CACHE_LIMIT)
        self._held: OrderedDict[str, Embedding] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, text: str) -> Embedding | None:
        """The answer, if it is still there."""
        with self._lock:
            found = self._held.get(text)
            if found:
                self._held.move_to_end(text)
            return found

    def put(self, text: str, embedding: Embedding) -> None:
        """Keep an answer."""
        with self._lock:
            if text not in self._held:
                self._bytes += _footprint(text, embedding)
            self._held[text] = embedding
            while self._bytes > self._limit:
                self._bytes -= _footprint(*self._held.popitem(last=False))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._bytes = 0


def _footprint(text: str, embedding: Embedding) -> int:
    return len(text) + BYTES_PER_TOKEN * len(embedding.weights)


class Awaited:
    """Counts down the documents of one request."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()
        self._done = threading.Event()
        if not count:
            self._done.set()

    def one_done(self) -> None:
        """One document is through, well or badly."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._done.set()

    def wait(self, seconds: float | None) -> bool:
        """Whether all are through within the time."""
        return self._done.wait(seconds)


@dataclass(eq=False)
class Inquiry:
    """One text that wants its weights."""

    text: str
    awaited: Awaited
    outcome: Embedding | Refusal | None = None
    """Set last, once."""
    computed: Embedding | None = None
    """By a run of the model for several; the worker that comes to it hands it out."""
    cached: bool = False
    abandoned: bool = False
    """Nobody waits any more; a worker drops it."""

    def settle(self, outcome: Embedding | Refusal) -> None:
        """Hand the result to whoever waits."""
        self.outcome = outcome
        self.awaited.one_done()


@dataclass
class Counts:
    """What the statistics say about one deployment on one node, since it was placed there."""

    inferences: int = 0
    cache_hits: int = 0
    errors: int = 0
    timeouts: int = 0
    rejected: int = 0
    seconds: float = 0.0
    last_access: float = 0.0
    peak: int = 0
    _minute: int = 0
    _in_minute: int = 0
    _last_minute: int = 0

    def served(self, seconds: float, cached: bool) -> None:
        """Account for one answer."""
        self._turn()
        self.inferences += 1
        self.cache_hits += cached
        self.seconds += seconds
        self.last_access = time.time()
        self._in_minute += 1
        self.peak = max(self.peak, self._in_minute)

    def last_minute(self) -> int:
        """Answers within the minute before this one."""
        self._turn()
        return self._last_minute

    def _turn(self) -> None:
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._last_minute = self._in_minute if minute == self._minute + 1 else 0
            self._minute, self._in_minute = minute, 0


@dataclass(eq=False)
class NodeQueue:
    """The queue and the workers; `resize` starts the latter, `close` ends them."""

    node: str
    capacity: int
    seconds: float
    """The least time a worker spends on a document."""
    embed: Embed
    cache: EmbeddingCache | None
    """Shared by the nodes of a deployment; None if it has none."""
    counts: Counts = field(default_factory=Counts)
    allocations: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[int, int, Inquiry]] = []
        self._numbers = itertools.count()
        self._workers = 0
        self._idle = 0
        self._closed = False

    def resize(self, allocations: int) -> None:
        """Start or end workers; one that is at work ends after its document."""
        with self._changed:
            self.allocations = allocations
            while self._workers < allocations:
                self._workers += 1
                # A new worker counts as idle from here on, so that room is known before its thread runs.
                self._idle += 1
                threading.Thread(target=self._work, name="ml_native_inference_comms", daemon=True).start()
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse all that waits, and what comes."""
        with self._changed:
            self._closed = True
            self.allocations = 0
            waiting = [inquiry for _, _, inquiry in self._heap]
            self._heap.clear()
            self._changed.notify_all()
        for inquiry in waiting:
            inquiry.settle(ml_errors.SHUT_DOWN.refusal())

    def pending(self) -> int:
        """Documents that wait, less those that workers are about to take."""
        with self._changed:
            return max(0, len(self._heap) - self._idle)

    def busy(self) -> int:
        """Allocations that are at work."""
        return self._workers - self._idle

    def load(self) -> float:
        """Documents waiting or at work, for each allocation."""
        return (len(self._heap) + self._workers - self._idle) / max(1, self.allocations)

    def submit(self, inquiry: Inquiry, priority: int) -> None:
        """Queue a document, or refuse it at once when the queue is full."""
        with self._changed:
            if self._closed:
                refusal = ml_errors.SHUT_DOWN.refusal()
            elif len(self._heap) >= self.capacity + self._idle:
                self.counts.rejected += 1
                refusal = ml_errors.QUEUE_FULL.refusal()
            else:
                heapq.heappush(self._heap, (priority, next(self._numbers), inquiry))
                self._changed.notify()
                return
        inquiry.settle(refusal)

    def _work(self) -> None:
        ahead = 0.0
        while True:
            with self._changed:
                while not self._heap and not self._closed and self._workers <= self.allocations:
                    self._changed.wait()
                    ahead = 0.0
                self._idle -= 1
                if self._closed or self._workers > self.allocations:
                    self._workers -= 1
                    return
                inquiry = heapq.heappop(self._heap)[2]
            if not inquiry.abandoned:
                ahead = self._answer(inquiry, ahead)
            with self._changed:
                self._idle += 1

    def _answer(self, inquiry: Inquiry, ahead: float) -> float:
        """Answer one; `ahead` is time spent on documents that come later, which their turns get back."""
        began = time.monotonic()
        try:
            found = self.cache.get(inquiry.text) if self.cache else None
            inquiry.cached = found is not None
            if found is None:
                found = self._computed(inquiry)
                ahead += time.monotonic() - began - self.seconds
                if ahead < 0:
                    time.sleep(-ahead)
                ahead = max(0.0, min(ahead, AT_ONCE * self.seconds))
                if self.cache:
                    self.cache.put(inquiry.text, found)
        except Exception as error:  # noqa: BLE001 - a worker must outlive whatever a text does to the model
            self.counts.errors += 1
            inquiry.settle(ml_errors.PROCESS_FAILED.refusal(problem=repr(error)))
            return ahead
        with self._changed:
            self.counts.served(time.monotonic() - began, inquiry.cached)
        inquiry.settle(found)
        return ahead

    def _computed(self, inquiry: Inquiry) -> Embedding:
        with _MODEL:
            if inquiry.computed is None:
                with self._changed:
                    waiting = [entry[2] for entry in heapq.nsmallest(AT_ONCE - 1, self._heap)]
                batch = [inquiry, *(each for each in waiting if each.computed is None and not each.abandoned)]
                for each, embedding in zip(batch, self.embed([each.text for each in batch]), strict=True):
                    each.computed = embedding
        assert inquiry.computed is not None  # noqa: S101 - the batch began with it
        return inquiry.computed
