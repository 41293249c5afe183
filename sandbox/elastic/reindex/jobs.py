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

from sandbox.elastic import errors
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.errors import Refusal
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.passages import CANCELLED, Passage, Source, Throttle, summed
from sandbox.elastic.tasks.manager import Task
from sandbox.elastic.wire.exchange import Reply, Request, whole

KEEP = 300.0
"""Seconds for which a search stays open when `scroll` says nothing."""
AUTO_LIMIT = 20
"""The most slices that `auto` makes."""


@dataclass
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


def launch(cluster: Cluster, request: Request, job: Job) -> Reply:
    """Run the job and answer with its result, or with its task when `wait_for_completion=false`.

    Raises:
        Refusal: it could not be, which is told at once in either case; or it failed.
    """
    if 0 <= job.limit < job.slices:
        raise reindex_errors.FEWER_THAN_SLICES.refusal()
    opaque = request.headers.get("x-opaque-id")
    headers = {"X-Opaque-Id": opaque} if opaque else {}
    task = cluster.tasks.begin(job.action, job.description, job.status, headers)
    cluster.jobs[task.id] = job
    request.resource = job.description

    def work() -> dict[str, Any]:
        try:
            return _run(cluster, task, job)
        finally:
            cluster.jobs.pop(task.id, None)

    if not request.flag("wait_for_completion", True):
        cluster.tasks.in_background(task, work)
        return Reply({"task": task.id})
    try:
        response = work()
    finally:
        cluster.tasks.end(task)
    return Reply(response, max((failure["status"] for failure in response["failures"]), default=200))


def _run(cluster: Cluster, task: Task, job: Job) -> dict[str, Any]:
    began = time.monotonic()
    job.check()
    job.throttles = [Throttle(job.rate / job.slices if job.rate > 0 else -1.0) for _ in range(job.slices)]
    job.passages = [None] * job.slices
    with ExitStack() as stack:
        if job.slices == 1:
            job.passages[0] = _passage(cluster, task, job, 0, stack)
            job.passages[0].run()
        else:
            _run_slices(cluster, task, job, stack)
    job.finish()
    passages = [passage for passage in job.passages if passage]
    response = {"took": int((time.monotonic() - began) * 1000), "timed_out": False, **_spelled(job.status())}
    if job.slices > 1:
        response["slices"] = [_spelled(job.visible(passage.status())) for passage in passages]
    if task.cancelled.is_set():
        response["canceled"] = CANCELLED
    return response | {"failures": [failure for passage in passages for failure in passage.failures]}


def _passage(cluster: Cluster, task: Task, job: Job, number: int, stack: ExitStack) -> Passage:
    slice_ = job.manual if job.slices == 1 else (number, job.slices)
    source = job.search(slice_)
    stack.enter_context(source)  # pyright: ignore[reportArgumentType]
    share = job.limit if job.limit < 0 else job.limit // job.slices
    return Passage(
        source,
        job.size,
        share,
        job.proceed,
        job.prepare,
        cluster.documents.write,
        job.throttles[number],
        job.keep,
        lambda: task.cancelled.is_set() or cluster.ending.is_set(),
        slice_[0] if slice_ else None,
    )


def _run_slices(cluster: Cluster, task: Task, job: Job, stack: ExitStack) -> None:
    """All slices at once, each as a task below this one."""
    broken: list[Refusal] = []

    def run(child: Task, number: int) -> None:
        try:
            passage = job.passages[number] = _passage(cluster, child, job, number, stack)
            passage.run()
        except Refusal as refusal:
            broken.append(refusal)
            return
        finally:
            cluster.tasks.end(child)
        job.ended.add(number)  # only now: who asks meanwhile sees a slice nowhere rather than twice

    threads = []
    for number in range(job.slices):

        def status(number: int = number) -> dict[str, Any] | None:
            passage = job.passages[number]
            return job.visible(passage.status()) if passage else None

        child = cluster.tasks.begin(job.action, job.description, status, task.headers, task.id)
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


def rate_of(request: Request) -> float:
    """`requests_per_second`; -1 for no limit.

    Raises:
        Refusal: it is nothing that can be.
    """
    text = request.query.get("requests_per_second", "-1")
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if rate <= 0 and rate != -1:
        raise reindex_errors.BAD_RATE.refusal()
    return rate


def slices_of(request: Request, automatic: Callable[[], int], manual: bool) -> int:
    """The number of passages; `auto` is one for each shard of the source.

    Raises:
        Refusal: it is no positive number, or the request asks for a slice already.
    """
    text = request.text("slices", "1")
    if text != "auto" and not (text.isdigit() and int(text) > 0):
        raise reindex_errors.BAD_SLICES.refusal(value=text)
    if manual and text != "1":
        raise reindex_errors.TWO_SLICINGS.refusal()
    return max(1, min(AUTO_LIMIT, automatic())) if text == "auto" else int(text)


def limit_of(given: Any) -> int:
    """`max_docs`; -1 for all.

    Raises:
        Refusal: it is negative, or no number.
    """
    if given is None:
        return -1
    limit = whole("max_docs", given)
    if limit < 0 and limit != -1:
        raise reindex_errors.NEGATIVE_LIMIT.refusal(value=limit)
    return limit


def slice_of(given: Any) -> tuple[int, int] | None:
    """The slice that a request asks for itself.

    Raises:
        Refusal: it is none.
    """
    if given is None:
        return None
    if not isinstance(given, dict):
        raise reindex_errors.BAD_SLICE.refusal(problem="expected an object")
    number, most = whole("id", given.get("id")), whole("max", given.get("max"))
    if not 0 <= number < most or most < 2:
        raise reindex_errors.BAD_SLICE.refusal(
            problem="max must be greater than 1, and than id, which is not negative"
        )
    return number, most


def check_fields(parser: str, given: dict[str, Any], known: set[str]) -> None:
    """Refuse what nobody would read.

    Raises:
        Refusal: naming the first such field.
    """
    for name in given:
        if name not in known:
            raise errors.UNKNOWN_FIELD.refusal(parser=parser, field=name)


def proceeds(given: Any) -> bool:
    """What `conflicts` says.

    Raises:
        Refusal: neither proceed nor abort.
    """
    if given not in (None, "proceed", "abort"):
        raise reindex_errors.BAD_CONFLICTS.refusal(value=given)
    return given == "proceed"
