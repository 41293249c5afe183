"""One value that tells every step of a flow what it needs to know about the run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from flows.durations.estimates import Estimates
from flows.durations.expected import Expected
from flows.engine import Engine
from flows.options import Interruptible
from flows.plan import Plan, Resource, is_planning
from flows.report import Report, reporting
from flows.running.slots import holding
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
    """What happens to the target's running operation on an interruption."""

    def plan(
        self, *resources: Resource, sends_count: int = 0, sends_expected: Expected | None = None, **facts: Any
    ) -> Plan:
        """What it would do, with how long that takes: these resources, and the other fields of a plan.

        Args:
            resources: all that it looks after.
            sends_count: how many documents, rows or vectors it sends at most.
            sends_expected: how long these take as documented, if no earlier run tells better.
            facts: the other fields.
        """
        report = self.report
        estimates = Estimates(
            report.flow.split()[0], target=report.target, where=report.where, name=report.name
        )
        return Plan(
            flow=report.flow,
            name=report.name,
            target=report.target,
            resources=tuple(_timed(one, estimates) for one in resources),
            sends_count=sends_count,
            sends_expected=estimates.sending(sends_count, sends_expected) if sends_count else None,
            **facts,
        )


def _timed(resource: Resource, estimates: Estimates) -> Resource:
    if resource.action == "keep":
        return resource
    fields = (one.field for one in resource.differences)
    return resource.model_copy(update={"expected": estimates.of(resource.kind, resource.action, fields)})


class ChangingOptions(Protocol):
    """The options of a flow that changes something under a name."""

    @property
    def name(self) -> str: ...  # noqa: D102 -- documented in the flows' options
    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def timeout_minutes(self) -> float: ...  # noqa: D102


@contextmanager
def running(
    engine: Engine[SettingsT], flow: str, options: ChangingOptions, *, holds: tuple[str, ...] = ()
) -> Generator[Run[SettingsT]]:
    """Run a flow: hold the slots of its names, and publish its report when the block ends.

    Args:
        engine: whose flow it is.
        flow: its name in the engine's list.
        options: the flow's own.
        holds: names that no other run may work on at the same time; default: the name in the options.

    Raises:
        InvalidInput: the target's settings are missing.
        DeadlinePassed: another run works on one of the names for all that time.
    """
    settings, deadline = engine.settings(options.target), Deadline.after(minutes=options.timeout_minutes)
    where = engine.where(settings)
    if is_planning():  # it reads only: it holds nothing, and has no report
        flow = f"{engine.name} {flow}"
        report = Report(flow=flow, name=options.name, target=options.target, where=where)
        yield Run(settings=settings, report=report, deadline=deadline)
        return
    with (
        reporting(f"{engine.name} {flow}", options.name, options.target, where) as report,
        ExitStack() as held,
    ):
        for name in holds or (options.name,):
            held.enter_context(holding(engine.name, name, deadline, where=where))
        when = options.when_interrupted if isinstance(options, Interruptible) else "leave-running"
        yield Run(settings=settings, report=report, deadline=deadline, when_interrupted=when)
