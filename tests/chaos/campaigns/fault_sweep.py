"""Campaign 3: every method that a flow calls fails in every way, before and after its effect, once, three times, for ever.

Three times and for ever are tried in the first flow that calls a method, each as a case of its own; once in every flow, where
up to four methods fail in one run. For ever, and an operation that fails at its end or never ends, must give a clear error
within the deadline; then the fault is over and the promises hold.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product, zip_longest

from sandbox import faults
from sandbox.model_server.misbehaviour import WRONG_ANSWERS
from tests.chaos import promises
from tests.chaos.bench import Bench, World
from tests.chaos.cases import Case, Finding
from tests.chaos.preloaded_flows import CALL_SECONDS
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "fault sweep"
_TIMES = {"once": 1, "three times": 3, "for ever": 1_000_000}
_ALONE = ("three times", "for ever")
_STALL_SECONDS = CALL_SECONDS + 0.5
_STALL_AT_THE_END_SECONDS = 9
"""Of an operation that never ends as far as the run with the fault can tell, which gives up before; the next one sees its end."""
_RETRY_AFTER_SECONDS = 0.3
_DEADLINE_MINUTES = 0.1
"""Of a run that is to fail."""
_AT_THE_END = " end"
_RETRY_AFTER = "-with-retry-after"
_QUOTA = " quota "
"""An account without quota, which no retry brings back: the run says so and ends."""
_TOGETHER = 4
"""Methods that fail in one run; a step that calls all of them still has a retry left."""
_SHORT = 15
"""Cases of the sample, four faults each, of different methods."""


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """Every fault of every method: once in every flow, more often in the first flow that calls it."""
    if not full:
        for number in range(_SHORT):
            scenario, recording = recorded[number % len(recorded)]
            methods = chance.sample(recording.methods, min(_TOGETHER, len(recording.methods)))
            yield Case(NAME, scenario.id, tuple(_drawn(recording, method, chance) for method in methods))
        return
    swept: set[str] = set()
    for scenario, recording in recorded:
        first = [method for method in recording.methods if method not in swept]
        for method, times in product(first, _ALONE):
            for fault in _of(recording, method):
                yield Case(NAME, scenario.id, (f"{fault} {times}",))
        yield from _together(scenario, recording)
        swept |= set(first)


def _together(scenario: Scenario, recording: Recording) -> Iterator[Case]:
    """Every fault of every method once, each run with several; an operation that fails at its end fails the run alone."""
    of_each: list[list[str]] = []
    for method in recording.methods:
        faults = [f"{fault} once" for fault in _of(recording, method)]
        alone = list(filter(_ends_the_run, faults))
        yield from (Case(NAME, scenario.id, (fault,)) for fault in alone)
        of_each.append([fault for fault in faults if fault not in alone])
    for row in zip_longest(*of_each):
        yield from (Case(NAME, scenario.id, group) for group in _batched(filter(None, row), _TOGETHER))


def _batched(faults: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """As itertools has it since Python 3.12."""
    left = iter(faults)
    while group := tuple(islice(left, size)):
        yield group


def _of(recording: Recording, method: str) -> Iterator[str]:
    for _, when, kind in (one for one in recording.possible if one[0] == method):
        yield f"{method} {kind} {when}"
        if kind == "throttled":
            yield f"{method} {kind}{_RETRY_AFTER} {when}"


def _drawn(recording: Recording, method: str, chance: random.Random) -> str:
    """A fault that the run survives by itself."""
    faults = [f"{fault} once" for fault in _of(recording, method)]
    return chance.choice([fault for fault in faults if not _ends_the_run(fault)])


def _ends_the_run(fault: str) -> bool:
    """Whether a fault that occurs once may be more than a run survives by itself; an answer that is wrong again is withheld."""
    return f"{_AT_THE_END} " in fault or _QUOTA in fault or fault.split()[1] in WRONG_ANSWERS


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Run with the faults, end them, then see whether the promises are kept."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    world = recordings.world(scenario)
    before = len(faults.struck(world.state))
    for fault in case.how:
        _add(world, fault)
    lasts = any("for ever" in fault or _ends_the_run(fault) for fault in case.how)
    survives = not lasts and not scenario.reports_at_once
    command = bench.begin(world, scenario, minutes=_DEADLINE_MINUTES if lasts else 2)
    code = promises.ended(command, finding.problems, (0,) if survives else (0, 1), "the run with the fault")
    faults.clear(world.state)
    finding.faults = len(faults.struck(world.state)) - before
    finding.reached = finding.faults >= (1 if scenario.reports_at_once else len(case.how))
    finding.problems += promises.kept(bench, recordings, world, scenario, again=code != 0)
    return finding


def _add(world: World, fault: str) -> None:
    method, kind, when, times = fault.split(maxsplit=3)
    after = _RETRY_AFTER_SECONDS if kind.endswith(_RETRY_AFTER) else None
    kind = kind.removesuffix(_RETRY_AFTER)
    stall = _STALL_AT_THE_END_SECONDS if when == "end" else _STALL_SECONDS
    seconds = stall if kind == "stall" else None
    faults.add(world.state, method, kind, when, times=_TIMES[times], seconds=seconds, retry_after=after)
