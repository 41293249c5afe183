"""What happens to work at a service when the wait for it is interrupted: by Ctrl-C, or by a cancelled run.

The work continues unless it is cancelled. Either way the log says what is running where, and how to continue.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from tasks.progress import say

WhenInterrupted = Literal["leave-running", "cancel"]
"""What happens to the service's work when the wait for it is cancelled or interrupted by Ctrl-C."""


@dataclass(frozen=True, kw_only=True)
class RemoteWork:
    """Work that a service does by itself while we wait."""

    what: str
    """In plain words: `deploy index products`."""
    id: str
    """The operation or task, as the service calls it."""
    where: str
    """Where it is done: `at the service`, `in the cluster`."""
    cancel: Callable[[], None]
    """Asks the service to cancel it."""


@contextmanager
def interruptible(work: RemoteWork, when_interrupted: WhenInterrupted) -> Generator[None]:
    """If the wait inside is interrupted, say what happens to the work, and cancel it if requested.

    It is said in the log, and in a note of the exception, which a report shows. An exception that is no interruption passes through.
    """
    try:
        yield
    except Exception:
        raise
    except BaseException as interruption:
        said = _leave(work, when_interrupted)
        say(f"Interrupted: {said}")
        interruption.add_note(said)
        raise


def _leave(work: RemoteWork, when_interrupted: WhenInterrupted) -> str:
    goes_on = f"{work.what} is still running {work.where} ({work.id})"
    if when_interrupted == "leave-running":
        return f"{goes_on}. Run the same command again to follow it."
    try:
        work.cancel()
    except Exception as error:  # noqa: BLE001 -- the interruption must get through, whatever the service answers
        return f"{goes_on}, and could not be cancelled: {error}"
    return f"requested the cancellation of {work.what} ({work.id})."
