"""`vector-search demo`: runs the tours on a stack of their own, which stops afterwards.

Each tour is a command that anybody could type, in a process of its own, so that everything it reports has reached
Prefect before the server stops. Two demos in different folders do not collide: they take free ports, and everything else
is in the home folder. In the same folder the second one is refused.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from flows import engines
from flows.console import duration, plain, take_over
from flows.stack.stack import Stack
from tasks.errors import PermanentError

_UNWIND_SECONDS = 5.0
"""How long an interrupted tour may take to say what it last saw: Ctrl-C reaches it too, other signals reach only us."""


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
        self._parts = dict[str, float]()

    def ended(self, part: str) -> None:
        """Take the time since the last part ended."""
        now = time.monotonic()
        self._parts[part] = now - self._since
        self._since = now

    def __str__(self) -> str:
        parts = [f"{part} {duration(seconds)}" for part, seconds in self._parts.items()]
        return f"{', '.join(parts)}; {duration(sum(self._parts.values()))} in all"


def run_demo(home: Path, *, keep: bool) -> int:
    """Run the tours until one fails.

    Args:
        home: the folder of the stack that is started for them.
        keep: leave the stack running, with a worker and every deployment.

    Returns:
        The exit code of the last tour that ran.
    """
    stack = Stack(home, with_worker=keep)
    terminal = take_over(Console(stderr=True))
    code, watch = 0, Watch()
    with _alone(home):
        try:
            stack.up()
            terminal.end()
            watch.ended("start")
            # Settings for log files do not apply to the person at the terminal.
            environment = {name: value for name, value in stack.environment.items() if name != "NO_COLOR"}
            for engine in engines.ENGINES:
                if code == 0 and (tour := engine.tour_words()):
                    code = _run(tour, environment)
                    watch.ended(engine.name)
            plain().print(f"Reports: {home / 'reports'}\nLogs:    {home / 'logs'}\nTimes:   {watch}")
        finally:
            terminal.end()
            if not keep:
                _end(stack)
    return code


def _run(tour: Sequence[str], environment: Mapping[str, str]) -> int:
    process = subprocess.Popen([sys.executable, "-m", "flows", *tour], env=dict(environment))
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(_UNWIND_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        raise


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
