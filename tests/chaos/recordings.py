"""Undisturbed runs: what each scenario passes, calls and leaves behind. The sweeps take their cases from them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import faults, write_log
from tasks.crash_points import CRASH_POINTS
from tests.chaos import databricks_snapshot, elastic_snapshot, vertex_snapshot
from tests.chaos.bench import Bench, Options, World
from tests.chaos.scenarios import SCENARIOS, Scenario

_EVERY_CALL = 1_000_000


class Undisturbed(Exception):
    """Even without a disturbance a scenario does not keep its promise: nothing can be learned from it."""


@dataclass(frozen=True)
class Recording:
    """One scenario, run to its end without a disturbance."""

    points: list[str]
    """The crash points in order: `create index chaos#1:before`."""
    effects: list[str]
    """Those around a call that changed something."""
    methods: list[str]
    """The methods of the stand-in that were called, each once."""
    possible: list[faults.Possible]
    """The faults that they can have."""
    end: Any
    """The snapshot afterwards."""
    prepared: Path
    """The state folder afterwards, to be copied."""


class Recordings:
    """The recordings of one worker, each made when it is first needed."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._made: dict[str, Recording] = {}

    def of(self, scenario: Scenario) -> Recording:
        """The recording of a scenario; those before it are made first."""
        if scenario.id not in self._made:
            self._made[scenario.id] = self._record(scenario)
        return self._made[scenario.id]

    def world(self, scenario: Scenario, options: Options = ()) -> World:
        """A stand-in in the state that a scenario begins with; its recording is made before, for which the ports must be free."""
        self.of(scenario)
        return self._begun(scenario, options)

    def _begun(self, scenario: Scenario, options: Options = ()) -> World:
        before = self.of(SCENARIOS[scenario.after]).prepared if scenario.after else None
        return self._bench.world(scenario.engine, before, options)

    def _record(self, scenario: Scenario) -> Recording:
        world = self._begun(scenario)
        struck = len(faults.struck(world.state))
        faults.add(
            world.state, "*", "stall", times=_EVERY_CALL, seconds=0.0
        )  # of no time: it only notes the call
        points = self._bench.folder / "points"
        points.unlink(missing_ok=True)
        points.touch()
        command = self._bench.begin(world, scenario, **{CRASH_POINTS: str(points)})
        if command.code:
            raise Undisturbed(f"{scenario.id} ended with {command.code}: {command.err}")
        faults.clear(world.state)
        passed = [(float(line[:17]), line[18:]) for line in points.read_text().splitlines()]
        called = faults.struck(world.state)[struck:]
        methods = list(dict.fromkeys(each.method for each in called))
        end = snapshot(world)
        writes = [each.time for each in write_log.read(world.state)]
        world.stop()
        prepared = self._bench.folder / "prepared" / scenario.id.replace(" ", "-").replace(",", "")
        shutil.copytree(world.state, prepared)
        self._bench.discard(world)
        return Recording(
            points=[point for _, point in passed],
            effects=_effects(passed, writes),
            methods=methods,
            possible=[one for one in faults.possible(prepared) if one[0] in methods],
            end=end,
            prepared=prepared,
        )


def snapshot(world: World) -> Any:
    """Everything that a stand-in holds."""
    kinds = {
        "vertex": vertex_snapshot,
        "vertex-collections": vertex_snapshot,
        "elastic": elastic_snapshot,
        "databricks": databricks_snapshot,
    }
    return kinds[world.engine.removeprefix("answers-on-")].snapshot(world.state)


def _effects(passed: list[tuple[float, str]], writes: list[float]) -> list[str]:
    times = {point: at for at, point in passed}
    around: list[str] = []
    for point, began in times.items():
        call, _, when = point.rpartition(":")
        ended = times.get(f"{call}:after", began)
        if when == "before" and any(began <= at <= ended for at in writes):
            around += [point, f"{call}:after"]
    return around
