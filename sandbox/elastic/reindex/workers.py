"""The loop of one worker over matching documents, batch by batch: what reindex and update by query have in common.

Throttling acts between batches only. If every failure of a batch is a 429, its failed documents are retried with growing
pauses; any other failure ends the loop after its batch. What is written is up to the caller.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from sandbox.elastic.documents.operations import Operation, Outcome
from sandbox.elastic.errors import Refusal
from sandbox.elastic.search import errors as search_errors

RETRIES = 11
CANCELLED = "by user request"


class Source(Protocol):
    """A snapshot of the matching documents; used in a `with` block."""

    def __len__(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def read(self, start: int, stop: int) -> Sequence[Any]:
        """Some of them, by position; raises Refusal if they no longer exist."""
        ...


def pause(attempt: int) -> float:
    """Seconds before the attempt (from 0): the service's exponential backoff, about a minute in total."""
    return (500 + 10 * (int(math.exp(0.8 * attempt)) - 1)) / 1000


@dataclass
class Throttle:
    """A limit of documents per second that can be changed while a worker runs."""

    rate: float
    """-1 for no limit."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def set(self, rate: float) -> None:
        """Change the rate; a pause under way ends early if the new rate is faster."""
        with self.changed:
            self.rate = rate
            self.changed.notify_all()


@dataclass(kw_only=True)
class Worker:
    """One worker: its documents, its progress and its counts."""

    source: Source
    size: int
    limit: int
    """The largest number of documents; -1 for all."""
    proceed: bool
    """Whether version conflicts are only counted, not failures."""
    prepare: Callable[[Any], Operation]
    write: Callable[[list[Operation]], list[Outcome]]
    throttle: Throttle
    keep: float
    """Seconds for which the search stays open after each read, in addition to the throttle's pauses."""
    stopped: Callable[[], bool]
    """Whether the task was cancelled or the server is stopping."""
    slice_id: int | None = None
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("updated", "created", "deleted", "batches", "version_conflicts", "noops", "retries"), 0
        )
    )
    failures: list[dict[str, Any]] = field(default_factory=list)
    throttled: float = 0.0
    until: float = 0.0
    """Monotonic time at which the current pause ends."""
    total: int = 0
    """Known after the first batch was read."""

    def run(self) -> None:
        """Process all documents; ends early after a failure or if stopped.

        Raises:
            Refusal: too much time passed between two reads.
        """
        count = len(self.source)
        self.total = count if self.limit < 0 else min(count, self.limit)
        start = 0
        while start < self.total and not self.stopped():
            began, throttled = time.monotonic(), self.throttled
            stop = min(start + self.size, self.total)
            try:
                operations = [self.prepare(document) for document in self.source.read(start, stop)]
            except Refusal as gone:
                self.failures.append({"status": gone.status, "reason": gone.item()})
                return
            self.counts["batches"] += 1
            self._account(self._written(operations))
            if self.failures:
                return
            start = stop
            if start < self.total:
                self._pause(len(operations), began)
            # There is a read after the last batch, too, which finds nothing.
            waited = time.monotonic() - began - (self.throttled - throttled)
            if waited > self.keep and start != self.limit and not self.stopped():
                raise search_errors.NO_CONTEXT.refusal(id=self.slice_id or 0)

    def _written(self, operations: list[Operation]) -> list[Outcome]:
        outcomes = self.write(operations)
        settled: list[Outcome] = []
        for attempt in range(RETRIES):
            failed = [outcome for outcome in outcomes if outcome.error]
            if not failed or any(outcome.status != 429 for outcome in failed) or self.stopped():
                break
            settled += [outcome for outcome in outcomes if not outcome.error]
            self.counts["retries"] += 1
            self._sleep(time.monotonic() + pause(attempt))
            outcomes = self.write([outcome.operation for outcome in failed])
        return settled + outcomes

    def _account(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.error is None:
                self.counts["noops" if outcome.result in ("noop", "") else outcome.result] += 1
                continue
            conflict = outcome.status == 409
            self.counts["version_conflicts"] += conflict
            if not (conflict and self.proceed):
                self.failures.append(
                    {
                        "index": outcome.index,
                        "id": outcome.id,
                        "cause": outcome.error.item(),
                        "status": outcome.status,
                    }
                )

    def _pause(self, documents: int, began: float) -> None:
        paused = time.monotonic()
        while not self.stopped():
            rate = self.throttle.rate
            self.until = 0.0 if rate <= 0 else began + documents / rate
            if self.until <= time.monotonic():
                break
            self._sleep(self.until, rate)
        self.until = 0.0
        self.throttled += time.monotonic() - paused

    def _sleep(self, until: float, rate: float | None = None) -> None:
        with self.throttle.changed:
            while not self.stopped() and time.monotonic() < until:
                if rate is not None and self.throttle.rate != rate:
                    return
                self.throttle.changed.wait(min(0.1, max(0.0, until - time.monotonic())))

    def status(self) -> dict[str, Any]:
        """The status of a task, which also begins the response."""
        counts = self.counts
        shown: dict[str, Any] = {} if self.slice_id is None else {"slice_id": self.slice_id}
        return shown | {
            "total": self.total,
            "updated": counts["updated"],
            "created": counts["created"],
            "deleted": counts["deleted"],
            "batches": counts["batches"],
            "version_conflicts": counts["version_conflicts"],
            "noops": counts["noops"],
            "retries": {"bulk": counts["retries"], "search": 0},
            "throttled_millis": int(self.throttled * 1000),
            "requests_per_second": float(self.throttle.rate),
            "throttled_until_millis": max(0, int((self.until - time.monotonic()) * 1000))
            if self.until
            else 0,
        }


def summed(parts: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """The status of a sliced task: sums over the slices that are shown; the others are null.

    The rate is a sum as well: 0.0 while no slice is shown, throttled or not (BulkByScrollTask.java).
    """
    there = [part for part in parts if part]
    names = ("total", "updated", "created", "deleted", "batches", "version_conflicts", "noops")
    shown: dict[str, Any] = {name: sum(part[name] for part in there) for name in names}
    shown["retries"] = {kind: sum(part["retries"][kind] for part in there) for kind in ("bulk", "search")}
    rates = [part["requests_per_second"] for part in there]
    return shown | {
        "throttled_millis": sum(part["throttled_millis"] for part in there),
        "requests_per_second": -1.0 if min(rates, default=0.0) < 0 else float(sum(rates)),
        "throttled_until_millis": min((part["throttled_until_millis"] for part in there), default=0),
        "slices": list(parts),
    }
