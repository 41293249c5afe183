"""Many items in bounded requests, one after the other, each attempted until it succeeds; some may be under way before their turn.

A transient failure repeats one request, not all of them. This module does not know what a request does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import TypeVar

from tasks.errors import DeadlinePassed
from tasks.progress import Progress
from tasks.waiting import Deadline, Look, attempt_until

T = TypeVar("T")
Part = TypeVar("Part", bound=Sized)


def batches(
    items: Iterable[T], *, most: int, most_bytes: float, size_of: Callable[[T], int]
) -> Iterator[list[T]]:
    """Cut items into batches, in their order, as large as both bounds allow; one that is larger goes alone.

    Args:
        items: read as needed, never all at once.
        most: items in one batch.
        most_bytes: the sum of sizes in one batch.
        size_of: bytes of one item within a request; may raise for an item that no request can hold.
    """
    batch: list[T] = []
    room = most_bytes
    for item in items:
        size = size_of(item)
        if batch and (len(batch) == most or size > room):
            yield batch
            batch, room = [], most_bytes
        batch.append(item)
        room -= size
    if batch:
        yield batch


def attempt_each(
    what: str,
    parts: Iterable[Part],
    attempt: Callable[[Part], Look[bool]],
    deadline: Deadline,
    *,
    total: int,
    outcome: str,
    unit: str,
) -> int:
    """Attempt one batch after the other, each until its look is done.

    Args:
        what: what is being done, in plain words.
        parts: the batches, each as long as it has items.
        attempt: does or checks one batch; after a transient error or a look that is not done it is tried again later.
        deadline: for all of them.
        total: items in all.
        outcome: what a batch is once its look is done: `accepted`.
        unit: what the items are: `datapoints`.

    Returns:
        How many items were done.

    Raises:
        DeadlinePassed: with what was last seen, and how far it came: a second run begins at the first item.
    """
    done = 0
    with Progress(what) as progress:
        for part in parts:
            size = len(part)
            remedy = (
                f"The first {done:,} of {total:,} {unit} were {outcome}. Run again with more time (timeout_minutes) or fewer {unit}: "
                "it starts from the first one, which does no harm."
            )
            if deadline.left <= 0:
                raise DeadlinePassed(
                    what, seconds=deadline.seconds, last_seen=f"{done:,} of {total:,} {unit}", remedy=remedy
                )
            numbers = f"{done + 1:,} to {done + size:,} of {total:,}"
            attempt_until(f"{what}, {numbers}", partial(attempt, part), deadline, remedy=remedy)
            done += size
            progress.count(done, total, unit)
    return done


def ahead(items: Iterable[T], begin: Callable[[T], object], most: int) -> Iterator[T]:
    """The items in their order, each begun, and up to ``most - 1`` after it.

    Args:
        items: read as needed.
        begin: starts what belongs to an item and returns at once.
        most: 1 or more.
    """
    begun = deque[T]()
    for item in items:
        begin(item)
        begun.append(item)
        if len(begun) == most:
            yield begun.popleft()
    yield from begun


def in_background(call: Callable[[], T]) -> Future[T]:
    """Begin a call in a thread that nobody has to wait for: a load that is interrupted ends at once."""
    future = Future[T]()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 -- raised by whoever asks for the result
            future.set_exception(error)

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return future
