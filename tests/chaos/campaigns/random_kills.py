"""Campaign 2: `kill -9` and SIGTERM at random times, of the flow, its stand-in and the Prefect server, while operations run.

The times come from the random seed of the run. The stand-ins are slow here, so that most of a run is waiting, as in reality.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from tests.chaos import promises
from tests.chaos.bench import SLOW, Bench, World
from tests.chaos.cases import Case, Finding
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.forks import Fork

NAME = "random kills"
_VICTIMS = (
    "flow by SIGKILL",
    "flow by SIGKILL",
    "flow by SIGTERM",
    "stand-in by SIGKILL",
    "Prefect server by SIGKILL",
)
"""The flow by SIGKILL twice: it is what happens most."""
_CHANGING = {
    "vertex build", "vertex build, private", "vertex build, other data", "vertex upsert-datapoints", "vertex teardown",
    "vertex tour", "vertex-collections build", "vertex-collections build, other data imported", "elastic deploy", "elastic load", "elastic embed", "elastic embed, again", "elastic teardown",
    "databricks build", "databricks build, other data", "databricks build, delta sync", "databricks teardown",
    "answers-on-elastic index", "answers-on-elastic index, changed", "answers-on-databricks index, changed",
}  # fmt: skip
_EACH, _SHORT = 20, 8
"""Cases of each scenario in full, and of the sample in all."""
_LONGEST = {"vertex tour": 25.0}
"""Seconds within which the kill comes; else what most runs take at the least."""
_USUAL = 4.0
_DOWN_SECONDS = 0.5
_ACCEPTED = {
    "flow by SIGKILL": (0, -signal.SIGKILL),
    "flow by SIGTERM": (0, 130, -signal.SIGTERM),
    "stand-in by SIGKILL": (0, 1, 2),
    "Prefect server by SIGKILL": (0, 1),
}
"""The codes with which the run may end."""
_TOO_EARLY_OR_LATE = {("stand-in by SIGKILL", 2), ("flow by SIGKILL", 0)}
"""A flow that did not find its stand-in looked for it while it was down; one that ended well was at its end before the signal."""


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """Victims and times, drawn from the random seed."""
    changing = [scenario for scenario, _ in recorded if scenario.id in _CHANGING]
    for number in range(_EACH * len(changing) if full else min(_SHORT, _SHORT * len(changing))):
        scenario = changing[number % len(changing)]
        after = chance.uniform(0.3, _LONGEST.get(scenario.id, _USUAL))
        yield Case(NAME, scenario.id, (chance.choice(_VICTIMS), f"after {after:.2f} s"))


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Kill the victim at its time, then see whether the promises are kept."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    victim, after = case.how[0], float(case.how[1].split()[1])
    world = recordings.world(scenario, SLOW[scenario.engine])
    command = bench.begin(world, scenario)
    ends = time.monotonic() + after
    while time.monotonic() < ends and not command.has_ended:
        time.sleep(0.02)
    finding.reached = not command.has_ended
    if finding.reached:
        _kill(victim, bench, world, command)
        finding.kills = 1
    accepted = _ACCEPTED[victim] if finding.reached else (0,)
    code = promises.ended(command, finding.problems, accepted, "the run")
    if (victim, code) in _TOO_EARLY_OR_LATE:
        finding.reached, finding.kills = False, 0
    bench.release()
    finding.problems += promises.kept(bench, recordings, world, scenario, again=code != 0)
    return finding


def _kill(victim: str, bench: Bench, world: World, command: Fork) -> None:
    with suppress(ProcessLookupError):  # it ended at this very moment
        match victim:
            case "flow by SIGKILL":
                command.signal(signal.SIGKILL)
            case "flow by SIGTERM":
                command.signal(signal.SIGTERM)
            case "stand-in by SIGKILL":
                world.kill()
                time.sleep(_DOWN_SECONDS)
                world.start()
            case _:
                bench.prefect.kill()
                time.sleep(_DOWN_SECONDS)
                bench.prefect.start()
