"""Several calls under way while the first of them is waited for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


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
