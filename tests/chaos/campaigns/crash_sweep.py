"""Campaign 1: die before and after every call of every flow, as by `kill -9`, and run again.

A call that a flow makes many times, such as a poll, is taken the first two times.
"""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence

from tasks.crash_points import CRASH_AT
from tests.chaos import promises
from tests.chaos.bench import Bench
from tests.chaos.cases import Case, Finding
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "crash sweep"
_REPEATS = 2
"""How many calls of one kind are taken, of those that change nothing."""
_SHORT = 14
"""Cases of the sample, three kills each: the run that goes on is killed again."""


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """A case per point; in short, points around what changes something, killed three times on the way."""
    if full:
        for scenario, recording in recorded:
            for point in _taken(recording):
                yield Case(NAME, scenario.id, (point,))
        return
    for number in range(_SHORT):
        scenario, recording = recorded[number % len(recorded)]
        chosen = chance.sample(range(len(recording.effects)), 3)
        yield Case(NAME, scenario.id, tuple(recording.effects[at] for at in sorted(chosen)))


def _taken(recording: Recording) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for point in recording.points:
        call, _, when = point.rpartition(":")
        seen[kind := f"{call.rpartition('#')[0]}:{when}"] += 1
        if point in recording.effects or seen[kind] <= _REPEATS:
            yield point


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Die at every point in turn, then see whether the promises are kept."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    world = recordings.world(scenario)
    for point in case.how:
        command = bench.begin(world, scenario, **{CRASH_AT: point})
        code = promises.ended(command, finding.problems, (0, -signal.SIGKILL), f"the run to {point}")
        finding.kills += code == -signal.SIGKILL
        bench.release()
    finding.reached = finding.kills > 0
    finding.problems += promises.kept(bench, recordings, world, scenario)
    return finding
