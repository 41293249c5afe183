"""Campaign 5: sequences of calls, crashes, refused calls and lost replies that Hypothesis makes up, with a dictionary as the model."""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator, Sequence

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.bench import Bench
from tests.chaos.campaigns.elastic_machine import ElasticMachine
from tests.chaos.campaigns.vertex_machine import VertexMachine
from tests.chaos.cases import Case, Finding
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "state machines"
_MACHINES = {"vertex query": VertexMachine, "elastic deploy": ElasticMachine}
"""By the scenario whose beginning they work on: a deployed index, and an empty cluster."""
_EACH, _SHORT = 30, 1
_EXAMPLES, _STEPS = 10, 25


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """A case is one seed, which stands for a few sequences."""
    engines = {scenario.engine for scenario, _ in recorded}
    for id_ in _MACHINES:
        if SCENARIOS[id_].engine in engines:
            for _ in range(_EACH if full else _SHORT):
                yield Case(NAME, id_, (f"seed {chance.randrange(10**6)}",))


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:  # noqa: ARG001 -- as every campaign's
    """Run the sequences of a seed."""
    scenario, finding = SCENARIOS[case.scenario], Finding()
    kind = _MACHINES[case.scenario]
    kind.begin = staticmethod(lambda: recordings.world(scenario))
    kind.finding = finding
    how = settings(
        max_examples=_EXAMPLES,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(int(case.how[0].split()[1]))(kind), settings=how)
    except Exception:  # noqa: BLE001 -- whatever it is, it is the finding
        finding.problems.append(traceback.format_exc()[-2500:])
    return finding
