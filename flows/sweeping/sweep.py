"""The flow `sweep`: find what is idle or expired on a target and, if it is told to, remove it.

A name is removed by its engine's own teardown, with its report, its slot and its refusals. What others made is counted and never
touched.
"""

from __future__ import annotations

from prefect.events import emit_event
from pydantic import Field

from flows.commands import load
from flows.engine_flow import options_flow
from flows.inventory import Errors, look, strangers
from flows.options import Options
from flows.report import Report, reporting
from flows.running.slots import holding
from flows.sweeping.candidates import Candidate, Limits, candidates, duration, now, refuse_unknown
from flows.sweeping.events import SWEPT, SWEPT_TARGET
from tasks.errors import DeadlinePassed, PermanentError, TransientError
from tasks.plurals import counted
from tasks.waiting import Deadline

SLOT_SECONDS = 5.0
"""How long a sweep waits for the slot of a name: whoever holds it works on the name, so that it stays."""


class SweepOptions(Options, frozen=True):
    """The options of a sweep."""

    target: str = Field(
        description="Where to sweep: sandbox, a real service by the name that its commands have for it, or block:NAME."
    )
    expires: str | None = Field(
        default=None,
        description="Also sweep what is in use, but whose youngest part is older than this: 36h, 14d, 2w. Default: never.",
    )
    idle: str = Field(
        default="24h",
        description="Sweep what no search can reach once it is older than this; younger, it may be half of a build.",
    )
    keep: tuple[str, ...] = Field(default=(), description="Names that stay, whatever their age.")
    apply: bool = Field(
        default=False, description="Remove what is marked, by each engine's teardown. Default: only list it."
    )

    @property
    def limits(self) -> Limits:
        """When something is to go.

        Raises:
            InvalidInput: a time cannot be read.
        """
        expires = duration(self.expires, source="--expires") if self.expires is not None else None
        return Limits(idle=duration(self.idle, source="--idle"), expires=expires, keep=self.keep)


class NotSwept(PermanentError):
    """Some of what was to go is still there, or could not be looked at."""

    def __init__(self, target: str, *, failed: dict[str, str]) -> None:
        self.target, self.failed = target, failed
        reasons = " ".join(f"{what}: {why}" for what, why in failed.items())
        super().__init__(f"Not everything on {target} could be swept. {reasons}")


@options_flow("sweep", run_name="sweep {target}")
def sweep(options: SweepOptions) -> Report:
    """Find what is idle or expired on a target and, with `apply`, remove it."""
    limits, target = options.limits, options.target
    with reporting("sweep", "all", target) as report:
        with report.step(f"look at {target}") as step:
            found, errors = look(target)
            names = candidates(found)
            refuse_unknown(limits.keep, names)
            marked = [(one, why) for one in names if (why := one.verdict(limits, now()))]
            step.saw(f"{counted(len(names), 'name')} of ours, {len(marked):,} to sweep")
            others, unseen = strangers(target)
            step.saw(f"{len(others):,} that others made, which stay")
        report.facts |= {
            "marked": [f"{one.engine.name} {one.name}" for one, _ in marked],
            "usd_a_day": sum(one.daily or 0.0 for one, _ in marked),
            "removed": [],
        }
        if marked:
            _tell(target, [f"{one.engine.name} {one.name} ({why})" for one, why in marked], report)
        for one, why in marked:
            _sweep(report, one, why, options, limits, errors)
        if failed := {name: str(error) for name, error in (unseen | errors).items()}:
            raise NotSwept(target, failed=failed)
    return report


def _tell(target: str, marked: list[str], report: Report) -> None:
    """Send the event of which an automation tells people, if they want that (`vector-search automations --notify BLOCK`)."""
    cost = f"About {report.facts['usd_a_day']:.2f} USD a day at list prices."
    emit_event(
        SWEPT,
        resource={"prefect.resource.id": f"{SWEPT_TARGET}{target}", "prefect.resource.name": target},
        payload={"found": f"{', '.join(marked)}. {cost}", **report.facts},
    )


def _sweep(
    report: Report, one: Candidate, why: str, options: SweepOptions, limits: Limits, errors: Errors
) -> None:
    """Remove a name, or say that it would go. What goes wrong does not keep the others."""
    what = f"{one.engine.name} {one.name}"
    try:
        with report.step(f"remove {what}" if options.apply else f"would remove {what}") as step:
            step.saw(f"{why}; {one.holds}; {one.serves}")
            if not options.apply:
                return
            if left := _left(one, options.target, limits):
                step.saw(f"left: {left}")
                return
            teardown = next(entry for entry in one.engine.flows if entry.name == "teardown")
            load(teardown.entrypoint).fn(name=one.name, target=options.target, yes=True)
            report.facts["removed"].append(what)
            step.saw("removed")
    except (PermanentError, TransientError) as error:
        errors[what] = error


def _left(one: Candidate, target: str, limits: Limits) -> str:
    """Why a name stays after all: somebody works on it, or has changed it since it was listed. Empty if it does not."""
    settings = one.engine.settings(target)
    try:
        with holding(
            one.engine.name, one.name, Deadline.after(seconds=SLOT_SECONDS), where=one.engine.where(settings)
        ):
            built = one.engine.built(settings) if one.engine.built else []
    except DeadlinePassed:
        return "another run is working on it"
    still = [each for each in candidates((one.engine, each) for each in built) if each.name == one.name]
    return "" if still and still[0].verdict(limits, now()) else "it has changed since"
