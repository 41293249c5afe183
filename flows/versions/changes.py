"""Swap, rollback and prune of every engine whose service has no alias. An engine brings its steps and the texts of its commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import Field

from flows.confirmation import Question, agree
from flows.engine import Engine
from flows.options import Confirmed, Options, Timed, agreement, timeout
from flows.report import Report
from flows.runs import ChangingOptions, Run, running
from flows.versions.plans import move_plan, prune_plan
from tasks.outcomes import Ensured
from tasks.plurals import listed
from tasks.progress import say
from tasks.versions import Marked, Versions

SettingsT = TypeVar("SettingsT")


class MovingOptions(Options, frozen=True):
    """Options of flows that move the mark of what is served."""

    @property
    def timeout_minutes(self) -> float:
        """Enough for the slot of a killed run to become free; moving the mark takes a moment."""
        return 5


class SwappingOptions(MovingOptions, frozen=True):
    """Options of a swap."""

    to: str = Field(description="The version to serve: first, or the twelve hex digits that its build named.")


class PruningOptions(Confirmed, Timed, frozen=True):
    """Options of a prune."""

    after_hours: float = Field(
        default=0,
        ge=0,
        le=24 * 366,
        description="Only if the last swap or rollback was at least this many hours ago: for a schedule.",
    )
    yes: bool = agreement("the removal")
    timeout_minutes: float = timeout(120)


@dataclass(frozen=True, kw_only=True)
class VersionSteps(Generic[SettingsT]):
    """What an engine does with the versions of a name."""

    engine: Engine[SettingsT]
    read: Callable[[SettingsT, str], Versions[Any, Any]]
    """The versions of a name."""
    read_all: Callable[[Run[SettingsT], str], Versions[Any, Any]]
    """The same with those that are still being made, which are waited for."""
    serve: Callable[[SettingsT, str, str], Ensured[Any]]
    """Serve a version, if it can be served. Returns the endpoint."""
    roll_back: Callable[[SettingsT, str], Ensured[Any]]
    """Serve the version before the last swap. Returns the endpoint."""
    prune: Callable[[Run[SettingsT], str], list[str]]
    """Remove every version that is not served. Returns those that went."""


def swap(steps: VersionSteps[SettingsT], options: ChangingOptions, version: str) -> Report:
    """Serve another version that is there. The one that was served stays."""
    name = options.name
    with running(steps.engine, "swap", options) as run:
        before = steps.read(run.settings, name)
        agree([], yes=True, plan=lambda: move_plan(run, before, version))
        serve(run, name, version, steps.serve)
        if before.serves == version:
            say("Nothing to do: this version is served already.")
        run.report.facts["versions"] = say_versions(steps.read(run.settings, name))
    return run.report


def serve(
    run: Run[SettingsT], name: str, version: str, ensure: Callable[[SettingsT, str, str], Ensured[Any]]
) -> None:
    """Serve a version by a step that returns the endpoint."""
    with run.report.step(f"serve version {version} of {name}") as step:
        endpoint: Marked = ensure(run.settings, name, version).there
        step.saw(f"served, before {endpoint.replaced or endpoint.rolled_back_from or 'nothing else'}")


def roll_back(steps: VersionSteps[SettingsT], options: ChangingOptions) -> Report:
    """Serve the version before the last swap again. A second rollback changes nothing."""
    name = options.name
    with running(steps.engine, "rollback", options) as run:
        before = steps.read(run.settings, name)
        agree([], yes=True, plan=lambda: move_plan(run, before, before.back()))
        with run.report.step(f"roll back {name}") as step:
            endpoint: Marked = steps.roll_back(run.settings, name).there
            step.saw(f"serves {endpoint.serves}, before {endpoint.rolled_back_from}")
        if before.endpoint.rolled_back_from:
            say("Nothing to do: it is already rolled back.")
        run.report.facts["versions"] = say_versions(steps.read(run.settings, name))
    return run.report


def prune(
    steps: VersionSteps[SettingsT], options: ChangingOptions, *, after_hours: float, yes: bool
) -> Report:
    """Remove every version that is not served, if the last swap or rollback was long enough ago."""
    name = options.name
    with running(steps.engine, "prune", options) as run:
        there = steps.read_all(run, name)
        if after_hours > there.hours_served:
            agree([], yes=True, plan=lambda: prune_plan(run, there, ()))
            say(f"Nothing to do: no swap or rollback of {name} was {after_hours:g} hours ago or more.")
            return run.report
        questions = prune_questions(there, there.serves)
        agree(questions, yes=yes, plan=lambda: prune_plan(run, there, there.others))
        gone = steps.prune(run, name)
        say(f"Removed: {listed(gone)}." if gone else "Nothing to do: there is no version that is not served.")
        run.report.facts["versions"] = say_versions(steps.read(run.settings, name))
    return run.report


def prune_questions(there: Versions[Any, Any], serves: str) -> list[Question]:
    """Ask before the versions go that are not served then.

    Raises:
        PermanentError: others use one of them; nothing was changed.
    """
    going = there.besides(serves)
    there.check_removable(going)
    if not going:
        return []
    described = "; ".join(map(there.described, going))
    consequence = f"It would remove every version but {serves}, for good: {described}."
    return [Question("prune the other versions", consequence)]


def versions_in_words(there: Versions[Any, Any]) -> str:
    """Which version is served and which others there are."""
    serves = f"the version {there.described(there.serves)}" if there.serves else "no version"
    others = "; ".join(map(there.described, there.others))
    rest = f"Other versions: {others}." if others else "There is no other version."
    return f"{there.name} serves {serves}. {rest}"


def say_versions(there: Versions[Any, Any]) -> str:
    """Say which version is served and which others there are. Returns it."""
    said = versions_in_words(there)
    say(said)
    return said


class _OfVersion(Protocol):
    @property
    def version(self) -> str: ...


def of(version: _OfVersion, versions: Sequence[_OfVersion]) -> str:
    """The end of a step's title that says which of several versions it works on."""
    return f" of version {version.version}" if len(versions) > 1 else ""
