"""A Prefect worker on a bench: a real one, with the runs that it starts as processes of its own."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import get_client

from flows.engines import ENGINES
from flows.stack import api, processes
from tests.chaos.bench import Bench, World
from tests.chaos.scenarios import Scenario
from tests.flows.client_settings import client_settings
from tests.polling import until

_POOL = "chaos"
_PATIENCE = 600.0
"""Seconds; worker and run both load Prefect, on a machine that does much else."""


class PrefectWorker:
    """A worker whose runs reach one stand-in."""

    def __init__(self, bench: Bench, world: World) -> None:
        self._bench, server = bench, bench.prefect
        api.ensure_process_pool(server.api_url, server.key, _POOL)
        began = datetime.now(UTC)
        environment = bench.environment(world) | {"PREFECT_WORKER_QUERY_SECONDS": "0.5"}
        self._process = processes.start(
            "worker",
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", _POOL, "--type", "process"],
            environment=environment,
            folder=world.state,
            log=world.state / "worker.log",
        )
        until(
            lambda: (
                api.has_worker_since(server.api_url, server.key, _POOL, began) or not self._process.is_alive
            ),
            "the worker",
            _PATIENCE,
        )
        assert self._process.is_alive, self._process.tail()

    def begin(self, scenario: Scenario) -> UUID:
        """Have the scenario's flow run, and wait until it does."""
        engine = next(one for one in ENGINES if one.name == scenario.command[0])
        words = scenario.words.split()
        entry = next(one for one in engine.flows if one.name == words[0])
        with client_settings(self._bench.prefect), get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                flow_id=client.create_flow_from_name(f"{engine.name}-{entry.name}"),
                name=_POOL,
                work_pool_name=_POOL,
                entrypoint=entry.entrypoint.replace(":", "."),
            )
            parameters = {
                "target": "sandbox",
                **_parameters([word.format(**self._bench.files) for word in words[1:]]),
            }
            run = client.create_flow_run_from_deployment(deployment, parameters=parameters).id

            def is_under_way() -> bool:
                state = client.read_flow_run(run).state
                return state is not None and (state.is_running() or state.is_final())

            until(is_under_way, "the run", _PATIENCE)
        return run

    def is_final(self, run: UUID) -> bool:
        """Whether Prefect has seen a run's end."""
        with client_settings(self._bench.prefect), get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
        return state is not None and state.is_final()

    def kill(self, *, with_runs: bool) -> None:
        """Kill it as `kill -9` does: alone, then its run goes on; or with its runs, as a machine that goes down does."""
        runs = _descendants(self._process.pid)
        for pid in (self._process.pid, *(runs if with_runs else ())):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_lives, runs)), "the end of the worker's run", _PATIENCE)


def _parameters(words: list[str]) -> dict[str, str | bool]:
    """A command's options as a flow's parameters: `--max-replicas 2 --yes`."""
    found: dict[str, str | bool] = {}
    for word in words:
        if word.startswith("--"):
            name = word.removeprefix("--").replace("-", "_")
            found[name] = True
        else:
            found[name] = word
    return found


def _descendants(pid: int) -> list[int]:
    children = [
        int(one) for file in Path(f"/proc/{pid}/task").glob("*/children") for one in file.read_text().split()
    ]
    return [*children, *(one for child in children for one in _descendants(child))]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
