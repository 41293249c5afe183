"""What a person sees while a flow runs: a live line for long work, plain lines for everything else.

The only channel is logging. Tasks log through Prefect's run loggers; a record that carries `progress`
(`tasks.progress.Update`) feeds the live line, any other record is printed. Prefect's own messages stay in its UI. This module
imports neither Prefect nor the tasks, so that the local stack can use it before either is loaded.
"""

from __future__ import annotations

import logging
import re
import time
from typing import NamedTuple, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

_OURS = ("flows", "tasks", "vector_search_ops")
_RUNS = ("prefect.flow_runs", "prefect.task_runs")
_ENGINES = ("flow_engine", "task_engine")
_RETRY = "Task run failed with %s: %r - Retry %s/%s will start %s"
"""The engine's template for a failed attempt that it will retry; if Prefect rewords it, only this line is lost."""
_COUNT_SECONDS = 5.0
"""Between two lines of a log that say how far something counted is."""
_NUMBER = re.compile(r"[\d.,]+")
_DELAY = re.compile(r"([\d.]+) second\(s\) from now")
"""How the template states the delay."""
_CHATTER = (
    # repeat the exception with which the command ends anyway
    "Finished in state",
    "Encountered exception",
    "Task run failed with",
    "Crash detected!",
)
"""The beginnings of Prefect's warnings and errors that tell a person nothing."""
_OBSERVER = "FlowRunSuspendingObserver"
"""What Prefect calls its listener for requests to suspend a deployment's run. Without a server it fails in its callbacks, too."""
PLUMBING = (
    "prefect._internal", "prefect.events", "prefect.concurrency", "EventsWorker", "APILogWorker", f"prefect.{_OBSERVER}",
)  # fmt: skip
"""Loggers of Prefect's queues and connections: what concerns a person is said once, by `flows.running.outage`."""
_LEASE_LEFT = "Failed to release concurrency lease"
"""The beginning of Prefect's warning about a slot that becomes free by itself."""
LEASE_LOST = "Concurrency lease renewal failed"
"""The beginning of Prefect's warning that a run's slot may be given to another run."""


class Progress(Protocol):
    """What a record's `progress` must have; `tasks.progress.Update` does."""

    @property
    def what(self) -> str: ...  # noqa: D102 -- documented at tasks.progress.Update
    @property
    def seen(self) -> str: ...  # noqa: D102
    @property
    def fraction(self) -> float | None: ...  # noqa: D102
    @property
    def elapsed(self) -> float: ...  # noqa: D102
    @property
    def left(self) -> float | None: ...  # noqa: D102
    @property
    def done(self) -> bool: ...  # noqa: D102
    @property
    def failed(self) -> bool: ...  # noqa: D102


class Seen(NamedTuple):
    """One look at long work outside of any task: the local stack's own waits."""

    what: str
    seen: str
    fraction: float | None = None
    elapsed: float = 0.0
    left: float | None = None
    done: bool = False
    failed: bool = False


def duration(seconds: float) -> str:
    """A duration as people write it: `8 s`, `2 min 5 s`, `1 h 4 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def loading(*, quiet: bool = False) -> Live:
    """A sign of life on a terminal, while a command loads what it needs: seconds of imports, in which nothing else is shown."""
    line = Spinner("dots", "loading Prefect and the clients")
    return Live(line, console=Console(stderr=True, quiet=quiet), refresh_per_second=8, transient=True)


def plain() -> Console:
    """Standard output for lines that a person may copy: paths are not wrapped, and nothing is read as markup."""
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


class Terminal(logging.Handler):
    """Shows records to a person: live on a terminal, as plain lines without control codes anywhere else.

    Args:
        console: where.
        debug: show Prefect's own lines and stack traces too.
        quiet: show errors only.
    """

    def __init__(self, console: Console, *, debug: bool = False, quiet: bool = False) -> None:
        super().__init__()
        self.console, self.debug, self.quiet = console, debug, quiet
        self._last: tuple[Progress, float] | None = None
        self._open: dict[str, tuple[Progress, float]] = {}
        self._printed: dict[str, tuple[str, float]] = {}
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record if it is for people."""
        try:
            progress: Progress | None = getattr(record, "progress", None)
            if progress is not None:
                self._show_progress(progress)
            elif self.quiet and (record.levelno < logging.ERROR or record.msg == _RETRY):
                pass
            elif self.debug or _is_for_people(record):
                self._show_line(record)
        except Exception:  # noqa: BLE001 -- as in every logging handler: a line that cannot be shown must not stop the work
            self.handleError(record)

    @property
    def last(self) -> Seen | None:
        """The work that was still running when last seen, with the time until now: an interrupted command shows it."""
        if self._last is None or self._last[0].done or self._last[0].failed:
            return None
        progress, at = self._last
        return Seen(progress.what, progress.seen, elapsed=progress.elapsed + time.monotonic() - at)

    def end(self) -> None:
        """Remove the live line; everything printed from now on comes below."""
        self.acquire()
        try:
            self._open.clear()
            self._stop_live()
        finally:
            self.release()

    def _show_line(self, record: logging.LogRecord) -> None:
        if record.msg == _RETRY and isinstance(record.args, tuple):
            _, error, attempt, attempts, delay = record.args
            when = _DELAY.sub(lambda found: f"in {float(found[1]):.0f} s", str(delay))
            text = Text(f"{error} Trying again ({attempt} of {attempts}) {when}.", style="yellow")
        elif str(record.msg).startswith(LEASE_LOST):
            text = Text.assemble(
                ("warning: ", "yellow"),
                "Prefect no longer reserves the slot of this run: another run may work on the same name meanwhile. The work "
                "goes on; each run reads from the target what the other has done.",
            )
        elif record.levelno >= logging.ERROR:
            text = Text.assemble(("error: ", "bold red"), record.getMessage())
        elif record.levelno >= logging.WARNING:
            text = Text.assemble(("warning: ", "yellow"), record.getMessage())
        else:
            text = Text(record.getMessage())
        if self.debug and (trace := record.exc_text or _trace(record)):
            text.append("\n" + trace, style="dim")
        self._print(text)

    def _show_progress(self, progress: Progress) -> None:
        self._last = (progress, time.monotonic())
        if self.quiet:
            return
        if progress.failed:  # the error itself is shown by others
            self._close(progress)
        elif progress.done:
            self._close(progress)
            end = f"{progress.what}: {progress.seen}"
            took = f" ({duration(progress.elapsed)})" if progress.elapsed >= 1 else ""
            self._print(Text.assemble(("✓ ", "green"), end, (took, "dim")))
        elif self._is_live:
            self._open[progress.what] = (progress, time.monotonic())
            if self._live is None:
                self._live = Live(
                    console=self.console, get_renderable=self._lines, refresh_per_second=8, transient=True
                )
                self._live.start(refresh=True)
        elif self._is_news(progress):
            self._printed[progress.what] = (progress.seen, time.monotonic())
            times = _times(progress, 0)
            self._print(Text(f"{progress.what}: {progress.seen}" + (f" ({times})" if times else "")))

    def _is_news(self, progress: Progress) -> bool:
        """Whether a log shows it: every new state, but of something that is counted only now and then how far it is."""
        seen, at = self._printed.get(progress.what, ("", 0.0))
        only_counted = _NUMBER.sub("", progress.seen) == _NUMBER.sub("", seen)
        return progress.seen != seen and not (only_counted and time.monotonic() - at < _COUNT_SECONDS)

    def _close(self, progress: Progress) -> None:
        self._open.pop(progress.what, None)
        self._printed.pop(progress.what, None)
        if not self._open:
            self._stop_live()

    @property
    def _is_live(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True, highlight=False)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _lines(self) -> RenderableType:
        now = time.monotonic()
        return Group(*(self._line(progress, now - at) for progress, at in list(self._open.values())[-3:]))

    def _line(self, progress: Progress, since: float) -> RenderableType:
        line = Table.grid(padding=(0, 1), expand=False)
        bar = (
            [ProgressBar(total=1, completed=progress.fraction, width=20)]
            if progress.fraction is not None
            else []
        )
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        for _ in bar:
            line.add_column(no_wrap=True, width=20)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(no_wrap=True)
        line.add_row(
            self._spinner,
            Text(progress.what, style="bold"),
            *bar,
            Text(progress.seen),
            Text(_times(progress, since), style="dim"),
        )
        return line


def _trace(record: logging.LogRecord) -> str:
    return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""


def _times(progress: Progress, since: float) -> str:
    elapsed = progress.elapsed + since
    times = [duration(elapsed)] if elapsed >= 1 else []
    if progress.left is not None and progress.left - since >= 1:
        times.append(f"about {duration(progress.left - since)} left")
    return ", ".join(times)


def _is_for_people(record: logging.LogRecord) -> bool:
    if str(record.msg).startswith(LEASE_LOST):
        return _is_an_answer(record.args)
    if record.name.startswith(PLUMBING) or str(record.msg).startswith(_LEASE_LEFT):
        return False
    if record.msg == _RETRY or (record.name.startswith(_RUNS) and record.module not in _ENGINES):
        return True
    said = record.getMessage()
    if said.startswith(_CHATTER) or (record.name == "asyncio" and _OBSERVER in said):
        return False
    return record.levelno >= logging.WARNING or not record.name.startswith("prefect")


def _is_an_answer(arguments: object) -> bool:
    """Whether the exception among a record's arguments is a refusal of Prefect's API, and not its silence."""
    return isinstance(arguments, tuple) and any(hasattr(argument, "response") for argument in arguments)


def take_over(console: Console, *, debug: bool = False, quiet: bool = False) -> Terminal:
    """From now on, show what is logged to a person, for the rest of the process.

    Prefect replaces the handlers when it is loaded: import it first, or call this again.
    """
    terminal = Terminal(console, debug=debug, quiet=quiet)
    # Prefect prints to the terminal through the root logger's handler, and internal errors through a handler of their own.
    for name in (None, "prefect._internal"):
        logging.getLogger(name).handlers[:] = [terminal]
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return terminal
