"""Many items in bounded requests, one after the other, each attempted until it succeeds.

One hiccup repeats one request, not all of them. Must not: know what a request does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

from tasks.errors import DeadlinePassed, InvalidInput, TransientError
from tasks.progress import Progress
from tasks.waiting import Deadline, Look, wait_until

T = TypeVar("T")


def batches(
    items: Iterable[T], *, most: int, most_bytes: int, size_of: Callable[[T], int]
) -> Iterator[list[T]]:
    """Cut items into batches, in their order, as large as both bounds allow.

    Args:
        items: read as needed, never all at once.
        most: items in one batch.
        most_bytes: the sum of sizes in one batch.
        size_of: bytes of one item within a request.

    Raises:
        InvalidInput: one item is larger than a batch.
    """
    batch: list[T] = []
    room = most_bytes
    for item in items:
        size = size_of(item)
        if size > most_bytes:
            raise InvalidInput(
                "A datapoint is larger than a request", value=size, accepted=f"{most_bytes:,} bytes"
            )
        if batch and (len(batch) == most or size > room):
            yield batch
            batch, room = [], most_bytes
        batch.append(item)
        room -= size
    if batch:
        yield batch


def attempt_each(
    what: str,
    parts: Iterable[list[T]],
    attempt: Callable[[list[T]], Look[bool]],
    deadline: Deadline,
    *,
    total: int,
    outcome: str,
) -> int:
    """Attempt one batch after the other, each until its look is done.

    Args:
        what: what is being done, as a person would say it.
        parts: the batches.
        attempt: does or checks one batch; a transient error or a look that is not done means again, later.
        deadline: for all of them.
        total: items in all.
        outcome: what a batch is once its look is done: `accepted`.

    Returns:
        How many items were done.

    Raises:
        DeadlinePassed: with what was last seen, and how far it came: a second run begins at the first item.
    """
    progress, done = Progress(what), 0
    for part in parts:
        remedy = (
            f"The first {done:,} of {total:,} datapoints were {outcome}. Run again, it begins at the first one, which does no "
            "harm: give it more time (timeout_minutes), or fewer datapoints."
        )
        if deadline.left <= 0:
            raise DeadlinePassed(
                what, seconds=deadline.seconds, last_seen=f"{done:,} of {total:,} datapoints", remedy=remedy
            )
        numbers = f"{done + 1:,} to {done + len(part):,} of {total:,}"
        _attempt(f"{what}, {numbers}", partial(attempt, part), deadline, remedy)
        done += len(part)
        progress.count(done, total, "datapoints")
    return done


def _attempt(what: str, attempt: Callable[[], Look[bool]], deadline: Deadline, remedy: str) -> None:
    # What succeeds at once should not write lines of its own, so the poll loop only starts after a first attempt,
    # and sees that one as its first look, so that it waits before the second.
    first: Look[bool] | TransientError | None
    try:
        first = attempt()
    except TransientError as error:
        first = error
    if isinstance(first, Look) and first.done:
        return

    def look() -> Look[bool]:
        nonlocal first
        seen, first = first, None
        if isinstance(seen, TransientError):
            raise seen
        return seen or attempt()

    wait_until(what, look, deadline, remedy=remedy)
