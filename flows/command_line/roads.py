"""One tour of the demo: a process of its own, a live line while it runs, and one screen of what it did. Details are in its report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from flows.console import duration

SCREEN = 24
"""Lines of a terminal, which a tour does not exceed where its columns are 80 or more."""
COLUMNS = 80
_AROUND = 5
"""Lines of the title, the path of the report (up to three), and an empty one."""
_LONGEST = 28
"""Columns of what a line is about."""
_UNWIND_SECONDS = 5.0
"""How long an interrupted tour may take to say what it last saw: Ctrl-C reaches it too, other signals reach only us."""
_LOOK_SECONDS = 0.25
_LAST = 12
"""Lines of its log that a tour leaves behind which was interrupted, or ended without a report."""


def travel(
    tour: Sequence[str], environment: Mapping[str, str], log: Path, console: Console
) -> tuple[int, dict[str, Any]]:
    """Run a tour to its end.

    Args:
        tour: its words, as typed.
        environment: of the stack.
        log: where everything goes that it says on the way.
        console: where its last line is seen live, on a terminal.

    Returns:
        Its exit code, and its report as JSON has it, with its `error` if it failed.
    """
    # Settings for log files do not apply to the person at the terminal.
    known = {name: value for name, value in environment.items() if name != "NO_COLOR"}
    words = [sys.executable, "-m", "flows", *tour, "--json"]
    title = " ".join(tour[:2])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        process = subprocess.Popen(words, env=known, stdout=subprocess.PIPE, stderr=said)
    with console.status(title) as status:
        try:
            printed = _output(process, lambda: status.update(_live(title, log, console.width)))
        except KeyboardInterrupt:
            try:
                process.communicate(timeout=_UNWIND_SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.communicate()
            status.stop()
            console.print(Text(_end_of(log)), soft_wrap=True)
            raise
    try:
        told = json.loads(printed)
    except ValueError:  # it was killed
        told = {"error": {"message": _end_of(log)}}
    return process.returncode, told


def _output(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> bytes:
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            meanwhile()


def _live(title: str, log: Path, width: int) -> Text:
    """One line, beside the spinner."""
    line = Text(": ".join((title, *_lines(log)[-1:])))
    line.truncate(width - 3, overflow="ellipsis")
    return line


def shown(told: Mapping[str, Any], log: Path) -> RenderableType:
    """A tour on one screen: what it did in a few words, and where the details are.

    Args:
        told: from `travel`.
        log: of the same.
    """
    parts: list[RenderableType] = []
    if "flow" in told:
        title = f"{told['flow']} {told['name']} on {told['target']}"
        parts.append(Text.assemble((title, "bold"), f", {told['outcome'].partition(':')[0]} in {duration(told['seconds'])}"))  # fmt: skip
        parts.append(_Chapters(told["chapters"] or told["steps"]))
    if "error" in told:
        parts.append(Text.assemble(("error: ", "bold red"), told["error"]["message"]))
        parts.append(_path("log", log))
    if told.get("file"):
        parts.append(_path("report", Path(told["file"]).with_suffix(".html")))
    return Group(*parts, Text())


class _Chapters:
    """A line or a few for each, cut off where they would not fit the screen."""

    def __init__(self, chapters: Sequence[Mapping[str, Any]]) -> None:
        self._chapters = chapters[-(SCREEN - _AROUND) :]  # of a failure, what came last

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = max(1, (SCREEN - _AROUND) // max(1, len(self._chapters)))
        times = [duration(one["seconds"]) for one in self._chapters]
        taken = max(map(len, times), default=0)
        left = min(_LONGEST, max((len(one["step"]) for one in self._chapters), default=0))
        width = max(20, min(options.max_width, 2 * COLUMNS) - left - taken - 4)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=left)
        table.add_column(width=width)
        table.add_column(width=taken, justify="right", no_wrap=True)
        for one, took in zip(self._chapters, times, strict=True):
            seen = _first(console, one["seen"], width, lines)
            table.add_row(_first(console, one["step"], left, lines), seen, Text(took, "dim"))
        yield table


def _first(console: Console, text: str, width: int, lines: int) -> Text:
    """The first lines of a text, with an ellipsis if there are more."""
    wrapped = Text(text).wrap(console, width)
    if len(wrapped) <= lines:
        return Text("\n").join(wrapped)
    wrapped[lines - 1].truncate(width - 1)
    wrapped[lines - 1].append("…")
    return Text("\n").join(wrapped[:lines])


def _path(what: str, path: Path) -> Text:
    """A path that stays one word, as short as it is from here."""
    there = path.absolute()
    here = Path.cwd()
    near = there.relative_to(here) if there.is_relative_to(here) else there
    return Text(f"{what}: {near}", no_wrap=True, overflow="ignore")


def _end_of(log: Path) -> str:
    return "\n".join(_lines(log)[-_LAST:])


def _lines(log: Path) -> list[str]:
    return [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
