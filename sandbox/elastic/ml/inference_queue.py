"""The queue in front of one deployment's allocations on one node: bounded, with search before ingest.

Each worker thread is one allocation and answers one document at a time, no faster than the simulated time. The model
itself runs for many waiting documents at once, which is faster and makes no difference to those who wait.
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
from sandbox.models.embedding import Embedding

AT_ONCE = 32
"""Largest number of waiting documents in one run of the model; 32, beyond which it gets no faster."""
SEARCH, INGEST = 0, 1
"""Priorities: searches jump the queue."""
CACHE_LIMIT = 64 << 20
"""Largest size of a cache in bytes, whatever was requested: the stand-in runs on a laptop."""
BYTES_PER_TOKEN = 80
"""Approximate size of a token and its weight in a dict; more than a number of a vector takes."""
_MODEL = threading.Lock()
"""One run of the model at a time: its matrix products already use all processors."""

Embed = Callable[[Sequence[str]], "list[Embedding]"]


class EmbeddingCache:
    """Recent answers of a deployment, by text; evicts the least recently used."""

    def __init__(self, size: int) -> None:
        self._limit = min(size, CACHE_LIMIT)
        self._held: OrderedDict[str, Embedding] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, text: str) -> Embedding | None:
        """The cached answer, if any."""
        with self._lock:
            found = self._held.get(text)
            if found:
                self._held.move_to_end(text)
            return found

    def put(self, text: str, embedding: Embedding) -> None:
        """Cache an answer."""
        with self._lock:
            if text not in self._held:
                self._bytes += _footprint(text, embedding)
            self._held[text] = embedding
            while self._bytes > self._limit:
                self._bytes -= _footprint(*self._held.popitem(last=False))

    def clear(self) -> None:
        """Remove all answers."""
        with self._lock:
            self._held.clear()
            self._bytes = 0


def _footprint(text: str, embedding: Embedding) -> int:
    return len(text) + BYTES_PER_TOKEN * len(embedding.value)


class Countdown:
    """Counts down the open documents of one request."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()
        self._done = threading.Event()
        if not count:
            self._done.set()

    def one_done(self) -> None:
        """Count one document, answered or refused."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._done.set()

    def wait(self, seconds: float | None) -> bool:
        """Wait until all documents are counted; returns False after the timeout."""
        return self._done.wait(seconds)


@dataclass(eq=False)
class QueuedText:
    """One text in the queue."""

    text: str
    countdown: Countdown
    outcome: Embedding | Refusal | None = None
    """Set last, once."""
    computed: Embedding | None = None
    """Set by a run for several texts; the worker that takes this text hands it out."""
    cached: bool = False
    abandoned: bool = False
    """Nobody waits any more, so workers skip it."""

    def settle(self, outcome: Embedding | Refusal) -> None:
        """Set the outcome and wake the waiting request."""
        self.outcome = outcome
        self.countdown.one_done()


@dataclass
class Counts:
    """The statistics of one deployment on one node, since it was placed there."""

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
        """Count one answer."""
        self._turn()
        self.inferences += 1
        self.cache_hits += cached
        self.seconds += seconds
        self.last_access = time.time()
        self._in_minute += 1
        self.peak = max(self.peak, self._in_minute)

    def last_minute(self) -> int:
        """The number of answers in the previous minute."""
        self._turn()
        return self._last_minute

    def _turn(self) -> None:
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._last_minute = self._in_minute if minute == self._minute + 1 else 0
            self._minute, self._in_minute = minute, 0


@dataclass(eq=False)
class NodeQueue:
    """The queue and its workers; `resize` starts workers, `close` stops them."""

    node: str
    capacity: int
    seconds: float
    """The least time, in seconds, that a worker spends on a document."""
    embed: Embed
    cache: EmbeddingCache | None
    """Shared by the nodes of a deployment; None if it has no cache."""
    counts: Counts = field(default_factory=Counts)
    allocations: int = 0

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[int, int, QueuedText]] = []
        self._numbers = itertools.count()
        self._workers = 0
        self._idle = 0
        self._closed = False

    def resize(self, allocations: int) -> None:
        """Start or stop workers; a busy one stops after its document."""
        with self._changed:
            self.allocations = allocations
            while self._workers < allocations:
                self._workers += 1
                # A new worker counts as idle at once, so that there is room before its thread runs.
                self._idle += 1
                threading.Thread(target=self._work, name="ml_native_inference_comms", daemon=True).start()
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse all waiting and all future documents."""
        with self._changed:
            self._closed = True
            self.allocations = 0
            waiting = [queued_text for _, _, queued_text in self._heap]
            self._heap.clear()
            self._changed.notify_all()
        for queued_text in waiting:
            queued_text.settle(ml_errors.SHUT_DOWN.refusal())

    def pending(self) -> int:
        """The number of waiting documents, without those that idle workers are about to take."""
        with self._changed:
            return max(0, len(self._heap) - self._idle)

    def busy(self) -> int:
        """The number of busy allocations."""
        return self._workers - self._idle

    def load(self) -> float:
        """Waiting and running documents per allocation."""
        return (len(self._heap) + self._workers - self._idle) / max(1, self.allocations)

    def submit(self, queued_text: QueuedText, priority: int) -> None:
        """Queue a document, or refuse it at once when the queue is full."""
        with self._changed:
            if self._closed:
                refusal = ml_errors.SHUT_DOWN.refusal()
            elif len(self._heap) >= self.capacity + self._idle:
                self.counts.rejected += 1
                refusal = ml_errors.QUEUE_FULL.refusal()
            else:
                heapq.heappush(self._heap, (priority, next(self._numbers), queued_text))
                self._changed.notify()
                return
        queued_text.settle(refusal)

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
                queued_text = heapq.heappop(self._heap)[2]
            if not queued_text.abandoned:
                ahead = self._answer(queued_text, ahead)
            with self._changed:
                self._idle += 1

    def _answer(self, queued_text: QueuedText, ahead: float) -> float:
        """Answer one document; `ahead` is time already spent on later documents, which is deducted from their turns."""
        began = time.monotonic()
        try:
            found = self.cache.get(queued_text.text) if self.cache else None
            queued_text.cached = found is not None
            if found is None:
                found = self._computed(queued_text)
                ahead += time.monotonic() - began - self.seconds
                if ahead < 0:
                    time.sleep(-ahead)
                ahead = max(0.0, min(ahead, AT_ONCE * self.seconds))
                if self.cache:
                    self.cache.put(queued_text.text, found)
        except Exception as error:  # noqa: BLE001 - a worker must outlive whatever a text does to the model
            self.counts.errors += 1
            queued_text.settle(ml_errors.PROCESS_FAILED.refusal(problem=repr(error)))
            return ahead
        with self._changed:
            self.counts.served(time.monotonic() - began, queued_text.cached)
        queued_text.settle(found)
        return ahead

    def _computed(self, queued_text: QueuedText) -> Embedding:
        with _MODEL:
            if queued_text.computed is None:
                with self._changed:
                    waiting = [entry[2] for entry in heapq.nsmallest(AT_ONCE - 1, self._heap)]
                batch = [
                    queued_text,
                    *(each for each in waiting if each.computed is None and not each.abandoned),
                ]
                for each, embedding in zip(batch, self.embed([each.text for each in batch]), strict=True):
                    each.computed = embedding
        assert queued_text.computed is not None  # noqa: S101 - the batch began with it
        return queued_text.computed
