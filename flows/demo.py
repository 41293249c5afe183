"""`python -m flows demo`: the tours, run on a stack of their own that ends afterwards.

Two at once in different folders do not meet: ports are free ones, everything else lies in the home folder. In one folder
the second is refused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from flows.command_line.endings import Interrupted
from flows.console import take_over
from flows.stack import Stack
from tasks.errors import PermanentError

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Tour:
    """A flow to show, and on what."""

    entrypoint: str
    parameters: Mapping[str, object]


TOURS = (
    Tour(
        "flows.vertex.tour:tour",
        {"name": "glove-100", "data": str(_ROOT / "sandbox" / "data" / "glove-100-sample.hdf5"), "target": "sandbox", "yes": True},
    ),
)  # fmt: skip


class DemoIsRunning(PermanentError):
    """Another demo runs in the same home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        super().__init__(
            f"Another demo is running in {home}. Wait for it, or set VECTOR_SEARCH_HOME to another folder."
        )


def run_demo(home: Path, *, keep: bool, tours: tuple[Tour, ...] = TOURS) -> None:
    """Run the tours and print their reports.

    Args:
        home: the folder of the stack that is started for them.
        keep: leave the stack up, with a worker and every deployment.
        tours: what is shown.
    """
    # On loopback, with made-up data: a demo inherits nothing of what its user works with elsewhere.
    stack = Stack(home, with_worker=keep)
    terminal = take_over(Console(stderr=True))
    with _alone(home):
        try:
            stack.up()
            terminal.end()
            _enter(stack.environment)
            for tour in tours:
                _run(tour)
            Console(soft_wrap=True, highlight=False).print(
                f"Reports: {home / 'reports'}\nLogs:    {home / 'logs'}"
            )
        except Interrupted as error:
            # The target ends with the stack: nothing goes on in it.
            raise KeyboardInterrupt from error
        finally:
            terminal.end()
            if not keep:
                _end(stack)


def _run(tour: Tour) -> None:
    from flows.command_line.from_flow import load  # noqa: PLC0415 -- both load Prefect, which reads the environment then
    from flows.command_line.run import run  # noqa: PLC0415

    run(load(tour.entrypoint), dict(tour.parameters), debug=False, may_confirm=False)


def _enter(environment: Mapping[str, str]) -> None:
    """Make this process one of the stack's. Before Prefect is loaded: it reads its settings then."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    # The terminal's own wishes hold here; those for log files are for the stack's background processes.
    os.environ.update(
        {name: value for name, value in environment.items() if name not in ("NO_COLOR", "PYTHONPATH")}
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
