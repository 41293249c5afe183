"""`vector-search demo`: runs the tours on a stack of their own, which stops afterwards.

Each tour is a command that anybody could type, in a process of its own, so that everything it reports has reached
Prefect before the server stops (`flows/command_line/roads.py`). Two demos in different folders do not collide: they take free ports, and everything else
is in the home folder. In the same folder the second one is refused.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console

from flows import engines
from flows.command_line.roads import shown, travel
from flows.console import duration, take_over
from flows.stack.stack import Stack
from tasks.errors import PermanentError


class DemoIsRunning(PermanentError):
    """Another demo is running in the same home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(
            f"Another demo is running in {home}. Wait for it, or set VECTOR_SEARCH_HOME to another folder."
        )


class Watch:
    """How long each part took, one after the other."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.parts = dict[str, float]()

    def ended(self, part: str) -> None:
        """Take the time since the last part ended."""
        now = time.monotonic()
        self.parts[part] = now - self._since
        self._since = now


def times(parts: dict[str, float]) -> str:
    """How long each took, and all of them."""
    each = [f"{part} {duration(seconds)}" for part, seconds in parts.items()]
    return f"{', '.join(each)}; {duration(sum(parts.values()))} in all"


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """What a demo did."""

    exit_code: int
    """Of the last tour that ran."""
    roads: dict[str, dict[str, Any]]
    """What each tour printed as JSON, by its engine."""
    seconds: dict[str, float]
    """How long each part took, the start of the stack first."""
    reports: Path
    logs: Path


def run_demo(home: Path, *, keep: bool, quiet: bool = False) -> Demonstrated:
    """Run the tours until one fails, and print each on one screen.

    Args:
        home: the folder of the stack that is started for them.
        keep: leave the stack running, with a worker and every deployment.
        quiet: print no results.
    """
    stack = Stack(home, with_worker=keep)
    console = Console(stderr=True)
    terminal = take_over(console)
    code, watch, roads = 0, Watch(), dict[str, dict[str, Any]]()
    with _alone(home):
        try:
            stack.up()
            terminal.end()
            watch.ended("start")
            for engine in engines.ENGINES:
                if code == 0 and (tour := engine.tour_words()):
                    log = home / "logs" / f"tour-{engine.name}.log"
                    code, roads[engine.name] = travel(tour, stack.environment, log, console)
                    watch.ended(engine.name)
                    if not quiet:
                        Console().print(shown(roads[engine.name], log), crop=False, highlight=False)
        finally:
            terminal.end()
            if not keep:
                _end(stack)
    return Demonstrated(
        exit_code=code, roads=roads, seconds=watch.parts, reports=home / "reports", logs=home / "logs"
    )


def _end(stack: Stack) -> None:
    """Stop the stack; a second Ctrl-C must not leave half of it running."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stack.down()
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _alone(home: Path) -> Generator[None]:
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "demo.lock", timeout=0):
            yield
    except Timeout as error:
        raise DemoIsRunning(home) from error
