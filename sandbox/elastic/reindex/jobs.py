"""Reindex and update by query as tasks: sliced or not, in the background or waited for, throttled, cancelled.

What is read and what is written stands in reindex.py and update_by_query.py; one slice's way in by_scroll.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from sandbox.elastic.documents.operations import Operation, Outcome
from sandbox.elastic.errors import Refusal
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.passages import CANCELLED, Passage, Source, Throttle, summed
from sandbox.elastic.tasks.manager import Task, Tasks
from sandbox.elastic.wire.exchange import Reply, Request

KEEP = 300.0
"""Seconds for which a search stays open when `scroll` says nothing."""


@dataclass(kw_only=True)
class Job:
    """One reindex or update by query."""

    action: str
    description: str
    size: int
    """Documents a batch."""
    limit: int
    proceed: bool
    rate: float
    slices: int
    """1 for a single passage."""
    search: Callable[[tuple[int, int] | None], Source]
    """Opens the documents, or a slice of them; raises Refusal."""
    prepare: Callable[[Any], Operation]
    check: Callable[[], None]
    """What is looked at before the first document is read; raises Refusal."""
    finish: Callable[[], None]
    keep: float
    """Seconds for which the search stays open between two batches."""
    manual: tuple[int, int] | None = None
    """The slice that the request asked for itself."""
    hidden: tuple[str, ...] = ()
    """Counts that responses of this kind do not have."""
    throttles: list[Throttle] = field(default_factory=list)
    passages: list[Passage | None] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    """The slices that came to a good end."""

    def status(self, *, running: bool = False) -> dict[str, Any]:
        """Of the whole: its own counts, or the sums of its slices that have ended, and of those that run if asked."""
        parts = [
            passage.status() if passage and (running or self.slices == 1 or number in self.ended) else None
            for number, passage in enumerate(self.passages)
        ]
        shown = summed(parts) if self.slices > 1 else parts[0] if parts else None
        if shown is None:
            shown = {key: value for key, value in summed([]).items() if key != "slices"}
            shown["requests_per_second"] = self.rate
        return self.visible(shown)

    def visible(self, status: dict[str, Any]) -> dict[str, Any]:
        """Without the counts that this kind does not have."""
        return {key: value for key, value in status.items() if key not in self.hidden}

    def rethrottle(self, rate: float) -> None:
        """Another rate for the whole, shared by its slices."""
        self.rate = rate
        for throttle in self.throttles:
            throttle.set(rate / len(self.throttles) if rate > 0 else -1.0)


class Jobs:
    """Runs them, and knows those that run, by their tasks' ids."""

    def __init__(
        self, tasks: Tasks, write: Callable[[list[Operation]], list[Outcome]], ending: threading.Event
    ) -> None:
        self._tasks = tasks
        self._write = write
        self._ending = ending
        self._running: dict[str, Job] = {}

    def find(self, task: str) -> Job | None:
        """The running operation of this task."""
        return self._running.get(task)

    def launch(self, request: Request, job: Job) -> Reply:
        """Run the job and answer with its result, or with its task when `wait_for_completion=false`.

        Raises:
            Refusal: it could not be, which is told at once in either case; or it failed.
        """
        if 0 <= job.limit < job.slices:
            raise reindex_errors.FEWER_THAN_SLICES.refusal()
        opaque = request.headers.get("x-opaque-id")
        headers = {"X-Opaque-Id": opaque} if opaque else {}
        task = self._tasks.begin(job.action, job.description, job.status, headers)
        self._running[task.id] = job
        request.resource = job.description

        def work() -> dict[str, Any]:
            try:
                return self._run(task, job)
            finally:
                self._running.pop(task.id, None)

        if not request.flag("wait_for_completion", True):
            self._tasks.in_background(task, work)
            return Reply({"task": task.id})
        try:
            response = work()
        finally:
            self._tasks.end(task)
        return Reply(response, max((failure["status"] for failure in response["failures"]), default=200))

    def _run(self, task: Task, job: Job) -> dict[str, Any]:
        began = time.monotonic()
        job.check()
        job.throttles = [Throttle(job.rate / job.slices if job.rate > 0 else -1.0) for _ in range(job.slices)]
        job.passages = [None] * job.slices
        with ExitStack() as stack:
            if job.slices == 1:
                job.passages[0] = self._passage(task, job, 0, stack)
                job.passages[0].run()
            else:
                self._run_slices(task, job, stack)
        job.finish()
        passages = [passage for passage in job.passages if passage]
        response = {
            "took": int((time.monotonic() - began) * 1000),
            "timed_out": False,
            **_spelled(job.status()),
        }
        if job.slices > 1:
            response["slices"] = [_spelled(job.visible(passage.status())) for passage in passages]
        if task.cancelled.is_set():
            response["canceled"] = CANCELLED
        return response | {"failures": [failure for passage in passages for failure in passage.failures]}

    def _passage(self, task: Task, job: Job, number: int, stack: ExitStack) -> Passage:
        slice_ = job.manual if job.slices == 1 else (number, job.slices)
        return Passage(
            source=stack.enter_context(job.search(slice_)),
            size=job.size,
            limit=job.limit if job.limit < 0 else job.limit // job.slices,
            proceed=job.proceed,
            prepare=job.prepare,
            write=self._write,
            throttle=job.throttles[number],
            keep=job.keep,
            stopped=lambda: task.cancelled.is_set() or self._ending.is_set(),
            slice_id=slice_[0] if slice_ else None,
        )

    def _run_slices(self, task: Task, job: Job, stack: ExitStack) -> None:
        """All slices at once, each as a task below this one."""
        broken: list[Refusal] = []

        def run(child: Task, number: int) -> None:
            try:
                passage = job.passages[number] = self._passage(child, job, number, stack)
                passage.run()
            except Refusal as refusal:
                broken.append(refusal)
                return
            finally:
                self._tasks.end(child)
            job.ended.add(number)  # only now: who asks meanwhile sees a slice nowhere rather than twice

        threads = []
        for number in range(job.slices):

            def status(number: int = number) -> dict[str, Any] | None:
                passage = job.passages[number]
                return job.visible(passage.status()) if passage else None

            child = self._tasks.begin(job.action, job.description, status, task.headers, task.id)
            threads.append(threading.Thread(target=run, args=(child, number), name=job.action, daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]


def _spelled(status: dict[str, Any]) -> dict[str, Any]:
    """A status as responses spell it, with durations in words too."""
    shown: dict[str, Any] = {}
    for key, value in status.items():
        if key == "slices":
            continue
        if key in ("throttled_millis", "throttled_until_millis"):
            shown[key.removesuffix("_millis")] = _in_words(value)
        shown[key] = value
    return shown


def _in_words(millis: int) -> str:
    """A duration as `TimeValue` prints it."""
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    seconds = int(millis / 100) / 10
    return f"{seconds:g}s" if seconds < 60 else f"{int(seconds / 6) / 10:g}m"
