"""Campaign 3: every method that a flow calls fails in every way, before and after its effect, once, three times, for ever.

For ever must end with a clear error within the deadline; then the fault is over and the promises hold.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from typing import get_args

from sandbox import faults
from tests.chaos import promises
from tests.chaos.bench import Bench
from tests.chaos.cases import Case, Finding
from tests.chaos.preloaded_flows import CALL_SECONDS
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "fault sweep"
_KINDS = get_args(faults.Kind)
_TIMES = {"once": 1, "three times": 3, "for ever": 1_000_000}
_STALL_SECONDS = CALL_SECONDS + 0.5
_DEADLINE_MINUTES = 0.1
"""Of a run that is to fail."""
_SHORT = 16
"""Cases of the sample, four faults each, of different methods."""


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """Every combination for every method, in the first flow that calls it; in every other flow, each way once."""
    if not full:
        for number in range(_SHORT):
            scenario, recording = recorded[number % len(recorded)]
            methods = chance.sample(recording.methods, min(4, len(recording.methods)))
            yield Case(NAME, scenario.id, tuple(_drawn(method, chance) for method in methods))
        return
    swept: set[str] = set()
    for scenario, recording in recorded:
        for method in recording.methods:
            for times in _TIMES if method not in swept else ("once",):
                for kind, when in product(_KINDS, ("before", "after")):
                    yield Case(NAME, scenario.id, (f"{method} {kind} {when} {times}",))
        swept |= set(recording.methods)


def _drawn(method: str, chance: random.Random) -> str:
    return f"{method} {chance.choice(_KINDS)} {chance.choice(('before', 'after'))} once"


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Run with the faults, end them, then see whether the promises are kept."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    world = recordings.world(scenario)
    before = len(faults.struck(world.state))
    for fault in case.how:
        method, kind, when, times = fault.split(maxsplit=3)
        seconds = _STALL_SECONDS if kind == "stall" else 0.0
        faults.add(world.state, method, kind, when, times=_TIMES[times], seconds=seconds)
    forever = case.how[0].endswith("for ever")
    command = bench.begin(world, scenario, **({"minutes": _DEADLINE_MINUTES} if forever else {}))
    code = promises.ended(command, finding.problems, (0, 1) if forever else (0,), "the run with the fault")
    faults.clear(world.state)
    finding.faults = len(faults.struck(world.state)) - before
    finding.reached = finding.faults > 0
    finding.problems += promises.kept(bench, recordings, world, scenario, again=code != 0)
    bench.discard(world)
    return finding
