"""Work that takes minutes of processor time, spread over processes of this machine, in order and with the same results.

Not Prefect's ProcessPoolTaskRunner: after one of its processes was killed, it takes no task any more for the rest of the run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tasks.errors import InvalidInput, PermanentError

PartT = TypeVar("PartT")
R = TypeVar("R")

VARIABLE = "VECTOR_SEARCH_PROCESSES"
MOST_PROCESSES = 64
ATTEMPTS = 3
"""How often a process may die under the same work: once by accident, more often for want of memory."""
_WAITING = 2
"""Parts for each process that are under way or whose result waits for its turn: they are in memory."""
_SECONDS = 5.0
"""Within which a process that is told to end has ended."""


class ProcessesKilled(PermanentError):
    """The processes that shared the work died, again and again."""

    def __init__(self, *, processes: int) -> None:
        self.processes = processes
        super().__init__(
            f"A process that shared the work was killed {ATTEMPTS} times, probably for want of memory. Nothing was changed. "
            f"Set {VARIABLE} to less than {processes}, or give the run more memory."
        )


def processes_wanted() -> int:
    """How many processes share such work: VECTOR_SEARCH_PROCESSES, or 1, which is the run's own.

    Raises:
        InvalidInput: it is no number of processes.
    """
    text = os.environ.get(VARIABLE, "").strip() or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROCESSES:
        raise InvalidInput(
            "This is no number of processes", value=text, source=VARIABLE, accepted=f"1 to {MOST_PROCESSES}"
        )
    return int(text)


def spread(function: Callable[[PartT], R], parts: Sequence[PartT], *, processes: int) -> Generator[R]:
    """The function of every part, in the order of the parts. Close the iterator to end it early (`contextlib.closing`).

    Args:
        function: can be pickled, as its results can; it does the same every time, because a part is done again where a process
            was killed.
        parts: a second of work each, or some.
        processes: how many share them; 1 for this one alone.

    Raises:
        ProcessesKilled: processes died `ATTEMPTS` times.
        PermanentError: as the function raises it, for the first part that it fails for.
    """
    if processes == 1 or len(parts) == 1:
        yield from map(function, parts)
        return
    done = 0
    for _ in range(ATTEMPTS):
        try:
            for result in _pooled(function, parts[done:], processes):
                done += 1
                yield result
        except BrokenProcessPool:
            continue
        return
    raise ProcessesKilled(processes=processes)


def _pooled(function: Callable[[PartT], R], parts: Sequence[PartT], processes: int) -> Iterator[R]:
    before = set(multiprocessing.active_children())
    # A fresh interpreter each: a copy of this one would have its threads' locks and Prefect's connections.
    pool = ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=_belong
    )
    waiting = deque[tuple[PartT, Future[tuple[R] | None]]]()
    try:
        for part in parts:
            waiting.append((part, pool.submit(_tried, function, part)))
            if len(waiting) > _WAITING * processes:
                yield _result(function, *waiting.popleft())
        while waiting:
            yield _result(function, *waiting.popleft())
    finally:  # at once, even where a part would take a minute more
        pool.shutdown(wait=False, cancel_futures=True)
        children = set(multiprocessing.active_children()) - before
        for child in children:
            child.terminate()
        for child in children:
            child.join(_SECONDS)


def _result(function: Callable[[PartT], R], part: PartT, future: Future[tuple[R] | None]) -> R:
    """What a process found. What failed there is done again here: errors lose what they carry on their way."""
    found = future.result()
    return found[0] if found else function(part)


def _tried(function: Callable[[PartT], R], part: PartT) -> tuple[R] | None:
    try:
        return (function(part),)
    except PermanentError:
        return None


def _belong() -> None:
    """Leave Ctrl-C to the run, and end with it, even if it is killed: a pool's processes wait for their next part forever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)
