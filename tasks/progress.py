"""Progress of long work: what is happening, how far it is, how long it will take.

The only channel is logging: a record that carries `record.progress` feeds the live line in the terminal, every record
reaches the run's log in the Prefect UI, and a progress artifact follows along. A failure of Prefect to write
an artifact never fails the work. Prefect is looked up only if it is loaded: otherwise nothing runs in it.

Long work is a `with` block, so that whatever happens in it, its line ends with it; a test finds any that is not.
"""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self
from uuid import UUID

from tasks.artifact_keys import artifact_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTSIDE_A_RUN = logging.getLogger("vector_search_ops")
_STEP = 0.05
"""The smallest change of the fraction that is logged."""
_QUIET_SECONDS = 1.0
"""The shortest time between two lines that differ only in their fraction."""
_STILL_THERE_SECONDS = 60.0
"""After this long without a change, a line says that it is still running."""
_ARTIFACT_SECONDS = 2.0
"""Shorter work gets no progress artifact: the timeline is enough."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """One look at long work."""

    what: str
    """What is being done: `deploy index glove-100`."""
    seen: str
    """What was last seen: `4,096 of 10,000 datapoints`."""
    fraction: float | None
    """Progress, 0 to 1; None when unknown."""
    elapsed: float
    """Seconds since it began."""
    left: float | None
    """Estimated seconds left; None when unknown."""
    done: bool
    failed: bool = False
    """It has ended by an exception, which says why."""


def say(message: str, *, level: int = logging.INFO, extra: Mapping[str, object] | None = None) -> None:
    """Log a line to the run that this is called in, or to `vector_search_ops` outside of one."""
    _logger().log(level, message, extra=extra)


def _logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    if "prefect.context" not in sys.modules:
        return _OUTSIDE_A_RUN
    from prefect.exceptions import MissingContextError  # noqa: PLC0415 -- see above
    from prefect.logging import get_run_logger  # noqa: PLC0415

    try:
        return get_run_logger()
    except MissingContextError:
        return _OUTSIDE_A_RUN


class Progress:
    """Reports long work only when something changes, so that an hour's wait does not fill the log. The work is its block.

    At the end of the block it is done, as last seen if nobody has said how it ended. An interruption leaves it as it is: that is
    what was last seen of it.

    Args:
        what: what is being done, in plain words.
        usual: seconds that it usually takes; stands in for the fraction when the service reports none.
    """

    def __init__(self, what: str, *, usual: float | None = None) -> None:
        self.what, self.usual = what, usual
        self._began = time.monotonic()
        self._last: Update | None = None
        self._seen: str | None = None
        self._has_ended = False
        self._artifact: UUID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._has_ended or self._seen is None:
            return
        if kind is None:
            self.end(self._seen)
        elif self._last is not None and issubclass(kind, Exception):
            self._report(replace(self._update(self._seen, self._last.fraction), failed=True))

    @property
    def is_shown(self) -> bool:
        """Whether anything of it has been reported; what is short needs no line at its end either."""
        return self._last is not None

    def count(self, done: int, total: int, unit: str = "rows") -> None:
        """See `done` of `total` units."""
        self._seen = f"{done:,} of {total:,} {unit}"
        if done < total:  # that all is done is said at the end
            self.see(self._seen, fraction=done / total)

    def see(self, seen: str, *, fraction: float | None = None) -> None:
        """Report what was seen, if it is news."""
        self._seen = seen
        update = self._update(seen, fraction)
        is_news = self._last is None or self._is_news(update, self._last)
        if is_news:
            self._report(update)
        if update.elapsed >= _ARTIFACT_SECONDS and (is_news or self._artifact is None):
            self._show_artifact(update)

    def end(self, seen: str) -> None:
        """Report that it is done."""
        self._has_ended = True
        update = self._update(seen, 1.0, done=True)
        self._report(update)
        if self._artifact is not None:
            self._show_artifact(update)

    def _update(self, seen: str, fraction: float | None, *, done: bool = False) -> Update:
        elapsed = time.monotonic() - self._began
        left: float | None = None
        if fraction:
            left = elapsed / fraction - elapsed
        elif self.usual and elapsed < self.usual:
            left = self.usual - elapsed
        return Update(what=self.what, seen=seen, fraction=fraction, elapsed=elapsed, left=left, done=done)

    def _is_news(self, update: Update, last: Update) -> bool:
        if update.elapsed - last.elapsed >= _STILL_THERE_SECONDS:
            return True
        if update.fraction is None or last.fraction is None:
            return update.seen != last.seen
        moved = update.fraction - last.fraction >= _STEP or update.fraction >= 1 > last.fraction
        return moved and update.elapsed - last.elapsed >= _QUIET_SECONDS

    def _report(self, update: Update) -> None:
        self._last = update
        stopped = "stopped at " if update.failed else ""
        say(f"{update.what}: {stopped}{update.seen}", extra={"progress": update})

    def _show_artifact(self, update: Update) -> None:
        context = sys.modules.get("prefect.context")
        if context is None or context.TaskRunContext.get() is None:
            return
        from prefect.artifacts import create_progress_artifact, update_progress_artifact  # noqa: PLC0415 -- see above

        estimate = min(0.95, update.elapsed / self.usual) if self.usual else 0.0
        percent = 100 * (estimate if update.fraction is None else update.fraction)
        description = f"{update.what}: {update.seen}" + (
            "" if update.fraction is not None else " (the bar is an estimate from the usual time)"
        )
        try:
            if self._artifact is None:
                made = create_progress_artifact(percent, key=artifact_key(self.what), description=description)
                self._artifact = made if isinstance(made, UUID) else None
            else:
                update_progress_artifact(self._artifact, progress=percent, description=description)
        except Exception as error:  # noqa: BLE001 -- whatever fails in Prefect, the work continues
            say(f"The progress artifact of {self.what!r} could not be written: {error}", level=logging.DEBUG)
