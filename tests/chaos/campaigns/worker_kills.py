"""Campaign 2, of runs that a Prefect worker has started: `kill -9` of the worker alone, and of the worker with its run.

Alone, its run goes on to the end. Together, as on a machine that goes down, the same command again ends well elsewhere.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

from tests.chaos import promises
from tests.chaos.bench import SLOW, Bench
from tests.chaos.cases import Case, Finding
from tests.chaos.prefect_worker import PrefectWorker
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "worker kills"
_SCENARIOS = {"vertex build", "vertex build, other data", "vertex teardown", "elastic deploy", "elastic load"}
_VICTIMS = ("worker", "worker and run")
_EACH, _SHORT = 8, 1
"""Cases of each scenario in full, and of the sample in all: worker and run take seconds to load."""
_LATEST = 3.0


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """Victims in turn and times, drawn from the random seed."""
    scenarios = [scenario for scenario, _ in recorded if scenario.id in _SCENARIOS]
    for number in range(_EACH * len(scenarios) if full else min(_SHORT, len(scenarios))):
        scenario = scenarios[number % len(scenarios)]
        victim = _VICTIMS[(number // len(scenarios) + (not full)) % len(_VICTIMS)]
        yield Case(NAME, scenario.id, (victim, f"after {chance.uniform(0, _LATEST):.2f} s"))


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Kill the worker at its time, then see whether the promises are kept."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    victim, after = case.how[0], float(case.how[1].split()[1])
    world = recordings.world(scenario, SLOW[scenario.engine])
    worker = PrefectWorker(bench, world)
    run_id = worker.begin(scenario)
    time.sleep(after)
    finding.reached = not worker.is_final(run_id)
    worker.kill(with_runs=victim == "worker and run")
    finding.kills = int(finding.reached)
    bench.release()
    ended_alone = victim == "worker" or not finding.reached
    finding.problems += promises.kept(bench, recordings, world, scenario, again=not ended_alone)
    return finding
