"""What becomes of work at a service when the wait for it is interrupted: by Ctrl-C, or by a cancelled run.

The work goes on unless somebody cancels it. Either way the log says what runs where, and how to go on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from tasks.progress import say

WhenInterrupted = Literal["leave-running", "cancel"]
"""What becomes of the service's work when the wait for it is cancelled or killed by Ctrl-C."""


@dataclass(frozen=True, kw_only=True)
class RemoteWork:
    """Work that a service does by itself while we look on."""

    what: str
    """As a person would say it: `deploy index products`."""
    id: str
    """The operation or task, as the service calls it."""
    where: str
    """Where it is done: `at the service`, `in the cluster`."""
    cancel: Callable[[], None]
    """Asks the service to cancel it."""


@contextmanager
def interruptible(work: RemoteWork, when_interrupted: WhenInterrupted) -> Generator[None]:
    """Say what becomes of the work if the wait inside is interrupted, and cancel it if that is wanted.

    An exception is no interruption: it goes through without a word.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException:
        _leave(work, when_interrupted)
        raise


def _leave(work: RemoteWork, when_interrupted: WhenInterrupted) -> None:
    goes_on = f"{work.what} is still running {work.where} ({work.id})"
    if when_interrupted == "leave-running":
        say(f"Interrupted: {goes_on}. Run the same command again to follow it.")
        return
    try:
        work.cancel()
    except Exception as error:  # noqa: BLE001 -- the interruption must get through, whatever the answer
        say(f"Interrupted, but {goes_on}: {error}")
        return
    say(f"Interrupted: requested the cancellation of {work.what} ({work.id}).")
