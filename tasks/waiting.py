"""The only poll loop of the project: look, and look again, until it holds, fails for good, or the deadline passes.

A transient error while looking means "not yet". The deadline is absolute and set once by the flow, so a retried task
does not get its time again. Prefect's task timeout cannot interrupt a blocked thread; this loop always ends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result
from tenacity.wait import wait_exponential_jitter

from tasks.errors import DeadlinePassed, TransientError
from tasks.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Deadline:
    """The moment after which waiting stops."""

    at: float
    """Wall-clock time, seconds since 1970: it holds across processes."""
    seconds: float
    """How long it was when it was set."""

    @classmethod
    def after(cls, *, minutes: float = 0, seconds: float = 0) -> Deadline:
        """The deadline this many minutes and seconds from now."""
        whole = minutes * 60 + seconds
        return cls(time.time() + whole, whole)

    @property
    def left(self) -> float:
        """Seconds until it passes, never negative."""
        return max(0.0, self.at - time.time())


@dataclass(frozen=True)
class Look(Generic[T]):
    """What one look at the service found."""

    seen: str
    """In words, for the log and for the error when time runs out."""
    value: T | None = None
    """What was waited for, once it is there."""
    done: bool = False
    fraction: float | None = None
    """Progress, 0 to 1, if the service reports it."""


class Unchanged:
    """How long what a wait sees has been the same: some states show only by this that they will never end."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = time.monotonic()

    def seconds(self, seen: object) -> float:
        """Take note of what is seen now. Returns the seconds since it was first seen without a change in between."""
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return time.monotonic() - self._since


PACE = wait_exponential_jitter(initial=0.2, exp_base=1.6, max=20, jitter=0.3)
"""Between attempts, which cost the service something: longer from one to the next, up to 20 s."""
SHARE, SHORTEST, LONGEST = 0.08, 0.05, 20.0
"""Between looks: this share of the time that has passed, within these seconds. An end is so noticed 3 % of the operation's length
late on average (10 s of an hour, after 260 looks); a fixed interval that is never later takes ten times the looks
(benchmarks/noticing.py)."""
LATE_SECONDS = 5.0
"""How long the effect of a call that was given up is looked for."""
_AFTER_AN_ERROR = 0.5
"""Seconds at least until a service that did not answer is asked again."""


def pace_of_looks(state: RetryCallState) -> float:
    """Seconds until the next look; up to a tenth more or less, so that runs which began together do not ask together."""
    failed = state.outcome is not None and state.outcome.failed
    pause = max(_AFTER_AN_ERROR if failed else SHORTEST, SHARE * (state.seconds_since_start or 0.0))
    return min(pause, LONGEST) * random.uniform(0.9, 1.1)  # noqa: S311 -- no secret


def wait_until(
    what: str,
    look: Callable[[], Look[T]],
    deadline: Deadline,
    *,
    usual: float | None = None,
    remedy: str = "",
) -> T:
    """Look until it is there, at the pace of `pace_of_looks`.

    Args:
        what: what is being waited for, in plain words.
        look: reads the service once; raises `PermanentError` when it has failed for good.
        deadline: when to give up.
        usual: seconds that it usually takes, to estimate the time left.
        remedy: what to do when time runs out, in place of "run it again".

    Returns:
        The value of the look that was done.

    Raises:
        DeadlinePassed: with what was last seen.
    """
    return _repeated(what, look, deadline, pace_of_looks, usual=usual, remedy=remedy)


def _repeated(
    what: str,
    look: Callable[[], Look[T]],
    deadline: Deadline,
    pace: Callable[[RetryCallState], float],
    *,
    usual: float | None = None,
    remedy: str = "",
) -> T:
    last_seen = "nothing yet"

    def watched() -> Look[T]:
        nonlocal last_seen
        try:
            found = look()
        except TransientError as error:
            last_seen = f"no answer ({error})"
            progress.see(last_seen)
            raise
        last_seen = found.seen
        if found.done:
            progress.end(found.seen)
        else:
            progress.see(found.seen, fraction=found.fraction)
        return found

    def pause(state: RetryCallState) -> float:
        return min(pace(state), deadline.left + 0.01)

    def give_up(_: RetryCallState) -> Look[T]:
        raise DeadlinePassed(what, seconds=deadline.seconds, last_seen=last_seen, remedy=remedy)

    polling = Retrying(
        stop=lambda _: deadline.left <= 0,
        wait=pause,
        retry=retry_if_result(_is_not_done) | retry_if_exception_type(TransientError),
        retry_error_callback=give_up,
    )
    with Progress(what, usual=usual) as progress:
        found: Look[T] = polling(watched)
    return found.value  # pyright: ignore[reportReturnType] -- a done look carries its value


def came_late(what: str, find: Callable[[], T | None]) -> T | None:
    """The effect of a call whose reply was given up, once it is there; None if it is not within `LATE_SECONDS`.

    For calls that must not be made again at once: carried out late, the first would count twice or undo what came after.

    Args:
        what: what is being looked for, in plain words.
        find: reads the effect once; None while there is none.
    """

    def look() -> Look[T]:
        found = find()
        return Look("not there" if found is None else "there", value=found, done=found is not None)

    with suppress(DeadlinePassed):
        return wait_until(what, look, Deadline.after(seconds=LATE_SECONDS))
    return None


def attempt_until(what: str, attempt: Callable[[], Look[T]], deadline: Deadline, *, remedy: str = "") -> T:
    """Try once silently, then again and again at the pace of `PACE`: what succeeds at once logs nothing.

    The first try counts as the first look, so there is a pause before the second: a service that said "later" is not
    asked again at once.

    Args:
        what: what is being done, as a person would say it.
        attempt: does it once; a transient error or a look that is not done means again, later.
        deadline: when to give up.
        remedy: what to do when time runs out, in place of "run it again".

    Returns:
        The value of the look that was done.

    Raises:
        DeadlinePassed: with what was last seen.
    """
    first: Look[T] | TransientError | None
    try:
        first = attempt()
    except TransientError as error:
        first = error
    if isinstance(first, Look) and first.done:
        return first.value  # pyright: ignore[reportReturnType] -- a done look carries its value

    def look() -> Look[T]:
        nonlocal first
        seen, first = first, None
        if isinstance(seen, TransientError):
            raise seen
        return seen or attempt()

    return _repeated(what, look, deadline, PACE, remedy=remedy)


def _is_not_done(found: Look[object]) -> bool:
    return not found.done
