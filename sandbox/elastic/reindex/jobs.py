"""Reindex and update by query as tasks: sliced or not, in the background or synchronous, throttled, cancelled.

What they read and write is defined in the APIs; the loop of one worker is in workers.py.
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
from sandbox.elastic.reindex.workers import CANCELLED, Source, Throttle, Worker, summed
from sandbox.elastic.tasks.manager import Task, Tasks
from sandbox.elastic.wire import errors as wire_errors
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import TakeAtEnd
from sandbox.faults import Fault, Kind

ENDINGS: tuple[Kind, ...] = ("unavailable", "internal", "throttled", "stall")
"""The faults with which an operation can end."""
KEEP = 300.0
"""Seconds for which a search stays open by default (`scroll`)."""


_LOOK = 0.1


@dataclass(kw_only=True)
class Job:
    """One reindex or update by query operation."""

    api: str
    """The API that starts it, by the name under which faults are queued."""
    action: str
    description: str
    size: int
    """Documents per batch."""
    limit: int
    proceed: bool
    rate: float
    slices: int
    """1 if it is not sliced."""
    search: Callable[[tuple[int, int] | None], Source]
    """Opens a scan of the documents or of a slice of them; raises Refusal."""
    prepare: Callable[[Any], Operation]
    check: Callable[[], None]
    """Called before the first document is read; raises Refusal."""
    finish: Callable[[], None]
    keep: float
    """Seconds for which the search stays open between two batches."""
    manual: tuple[int, int] | None = None
    """The slice that the request itself selects."""
    hidden: tuple[str, ...] = ()
    """Counts that responses of this kind leave out."""
    throttles: list[Throttle] = field(default_factory=list)
    workers: list[Worker | None] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    """The slices that have completed."""

    def status(self, *, running: bool = False) -> dict[str, Any]:
        """The status of the whole: its counts, or the sums over completed slices, and running ones if requested."""
        parts = [
            worker.status() if worker and (running or self.slices == 1 or number in self.ended) else None
            for number, worker in enumerate(self.workers)
        ]
        shown = summed(parts) if self.slices > 1 else parts[0] if parts else None
        if shown is None:
            shown = {key: value for key, value in summed([]).items() if key != "slices"}
            shown["requests_per_second"] = self.rate
        return self.visible(shown)

    def visible(self, status: dict[str, Any]) -> dict[str, Any]:
        """A status without the counts that this kind leaves out."""
        return {key: value for key, value in status.items() if key not in self.hidden}

    def rethrottle(self, rate: float) -> None:
        """Change the rate of the whole, which its slices share."""
        self.rate = rate
        for throttle in self.throttles:
            throttle.set(rate / len(self.throttles) if rate > 0 else -1.0)


class Jobs:
    """Runs operations, and finds running ones by task id."""

    def __init__(
        self,
        tasks: Tasks,
        write: Callable[[list[Operation]], list[Outcome]],
        take_at_end: TakeAtEnd,
        ending: threading.Event,
    ) -> None:
        self._tasks = tasks
        self._write = write
        self._take_at_end = take_at_end
        self._ending = ending
        self._running: dict[str, Job] = {}

    def find(self, task: str) -> Job | None:
        """The running operation of a task."""
        return self._running.get(task)

    def launch(self, request: Request, job: Job) -> Reply:
        """Run a job and answer with its result, or with its task if `wait_for_completion=false`.

        Raises:
            Refusal: the request is invalid, which is reported at once in either case; or the job failed.
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
        fault = self._take_at_end(job.api)
        job.check()
        job.throttles = [Throttle(job.rate / job.slices if job.rate > 0 else -1.0) for _ in range(job.slices)]
        job.workers = [None] * job.slices
        with ExitStack() as stack:
            if job.slices == 1:
                job.workers[0] = self._worker(task, job, 0, stack)
                job.workers[0].run()
            else:
                self._run_slices(task, job, stack)
        if fault:
            self._strike(fault, task, job)
        job.finish()
        workers = [worker for worker in job.workers if worker]
        response = {
            "took": int((time.monotonic() - began) * 1000),
            "timed_out": False,
            **_spelled(job.status()),
        }
        if job.slices > 1:
            response["slices"] = [_spelled(job.visible(worker.status())) for worker in workers]
        if task.cancelled.is_set():
            response["canceled"] = CANCELLED
        return response | {"failures": [failure for worker in workers for failure in worker.failures]}

    def _strike(self, fault: Fault, task: Task, job: Job) -> None:
        """Fail, or stall until the task is cancelled, after all documents were written."""
        if fault.kind != "stall":
            raise wire_errors.FAULTS[fault.kind].refusal(api=job.action)
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end and not task.cancelled.wait(_LOOK) and not self._ending.is_set():
            pass

    def _worker(self, task: Task, job: Job, number: int, stack: ExitStack) -> Worker:
        slice_ = job.manual if job.slices == 1 else (number, job.slices)
        return Worker(
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
        """Run all slices at once, each as a child task."""
        broken: list[Refusal] = []

        def run(child: Task, number: int) -> None:
            try:
                worker = job.workers[number] = self._worker(child, job, number, stack)
                worker.run()
            except Refusal as refusal:
                broken.append(refusal)
                return
            finally:
                self._tasks.end(child)
            job.ended.add(number)  # only now, so that a slice is never counted twice

        threads = []
        for number in range(job.slices):

            def status(number: int = number) -> dict[str, Any] | None:
                worker = job.workers[number]
                return job.visible(worker.status()) if worker else None

            child = self._tasks.begin(job.action, job.description, status, task.headers, task.id)
            threads.append(threading.Thread(target=run, args=(child, number), name=job.action, daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]


def _spelled(status: dict[str, Any]) -> dict[str, Any]:
    """A status as responses show it, with durations as text too."""
    shown: dict[str, Any] = {}
    for key, value in status.items():
        if key == "slices":
            continue
        if key in ("throttled_millis", "throttled_until_millis"):
            shown[key.removesuffix("_millis")] = _in_words(value)
        shown[key] = value
    return shown


def _in_words(millis: int) -> str:
    """A duration as Elasticsearch's TimeValue prints it."""
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    seconds = int(millis / 100) / 10
    return f"{seconds:g}s" if seconds < 60 else f"{int(seconds / 6) / 10:g}m"
