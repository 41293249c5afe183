"""What every step of a flow needs to know of its run, as one value."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from flows.engine import Engine
from flows.options import Interruptible
from flows.report import Report, reporting
from flows.slots import holding
from tasks.interruption import WhenInterrupted
from tasks.waiting import Deadline

SettingsT = TypeVar("SettingsT")


@dataclass(frozen=True, kw_only=True)
class Run(Generic[SettingsT]):
    """A run of a flow that changes something."""

    settings: SettingsT
    report: Report
    deadline: Deadline
    """Ends every wait of the run."""
    when_interrupted: WhenInterrupted = "leave-running"
    """What becomes of an operation of the target's that is waited for."""


class ChangingOptions(Protocol):
    """Options of a flow that changes something under a name."""

    @property
    def name(self) -> str: ...  # noqa: D102 -- what every flow means by it
    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def timeout_minutes(self) -> float: ...  # noqa: D102


@contextmanager
def running(
    engine: Engine[SettingsT], flow: str, options: ChangingOptions, *, holds: tuple[str, ...] = ()
) -> Generator[Run[SettingsT]]:
    """A run whose report is published when the block ends, and which holds the slots of its names until then.

    Args:
        engine: whose flow it is.
        flow: its name in the engine's list.
        options: the flow's own.
        holds: names that no other run may work on meanwhile; default: the one of the options.

    Raises:
        InvalidInput: the target's settings are missing.
        DeadlinePassed: another run works on one of the names for all that time.
    """
    settings, deadline = engine.settings(options.target), Deadline.after(minutes=options.timeout_minutes)
    with reporting(f"{engine.name} {flow}", options.name, options.target) as report, ExitStack() as held:
        for name in holds or (options.name,):
            held.enter_context(holding(engine.name, name, deadline))
        when = options.when_interrupted if isinstance(options, Interruptible) else "leave-running"
        yield Run(settings=settings, report=report, deadline=deadline, when_interrupted=when)
