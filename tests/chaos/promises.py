"""What every case checks, whatever was done to it: the same command again ends well, with the same result, and then rests."""

from __future__ import annotations

from typing import Any

from tests.chaos.bench import Bench, World
from tests.chaos.recordings import Recordings, snapshot
from tests.chaos.scenarios import Scenario
from tests.forks import Fork
from tests.polling import until

PATIENCE = 150.0
"""Seconds after which a command hangs."""
_NOISE = 1e-3
"""Weights of one text differ by rounding, depending on the texts that are embedded with it."""
_SHOWN = 6


def ended(command: Fork, problems: list[str], accepted: tuple[int, ...], what: str) -> int:
    """Wait for a command's end and note what is wrong with it: the code, a stack trace, no error or several."""
    try:
        until(lambda: command.has_ended, "the end", PATIENCE)
    except AssertionError:
        command.signal()
        problems.append(f"{what} hangs: {_tail(command)}")
        return -9
    code, said = command.code, command.err
    told = sum(line.startswith(("error: ", "interrupted: ")) for line in said.splitlines())
    if code not in accepted:
        problems.append(f"{what} ended with {code}: {_tail(command)}")
    if "Traceback" in said or "This is unexpected" in said:
        problems.append(f"{what} shows a stack trace: {_tail(command)}")
    if code in (1, 2, 130) and told != 1:
        problems.append(f"{what} ended with {code} and {told} error paragraphs: {_tail(command)}")
    return code


def kept(
    bench: Bench, recordings: Recordings, world: World, scenario: Scenario, *, again: bool = True
) -> list[str]:
    """Run the command again, and once more; return the promises that were broken.

    Args:
        bench: where.
        recordings: of the same worker.
        world: the stand-in that was disturbed.
        scenario: what was run on it.
        again: whether the disturbed run has failed; if it ended well, only the run that changes nothing is left.
    """
    problems: list[str] = []
    if again:
        ended(bench.begin(world, scenario), problems, (0,), "the run after it")
    before = len(world.writes)
    if scenario.settles:
        ended(bench.begin(world, scenario), problems, (0,), "the last run")
        if more := world.writes[before:]:
            problems.append(f"the last run made changing calls: {', '.join(more)}")
    problems += differences(recordings.of(scenario).end, snapshot(world))
    return problems


def differences(wanted: Any, found: Any, where: str = "the end") -> list[str]:
    """Where two snapshots differ, in words."""
    if isinstance(wanted, float) and isinstance(found, float):
        return [] if abs(wanted - found) <= _NOISE else [f"{where}: {found!r}, not {wanted!r}"]
    if isinstance(wanted, dict) and isinstance(found, dict):
        absent = (
            0.0 if all(isinstance(value, float) for value in [*wanted.values(), *found.values()]) else None
        )
        return [
            difference
            for key in sorted({*wanted, *found})
            for difference in differences(wanted.get(key, absent), found.get(key, absent), f"{where}, {key}")
        ][:_SHOWN]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            difference
            for number, pair in enumerate(zip(wanted, found, strict=True))
            for difference in differences(*pair, f"{where}[{number}]")
        ][:_SHOWN]
    return [] if wanted == found else [f"{where}: {_short(found)}, not {_short(wanted)}"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}..."


def _tail(command: Fork) -> str:
    return " ".join(command.err.split())[-900:]
