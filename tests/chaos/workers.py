"""Processes that run cases, one each at a time, every one with a bench of its own."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.chaos import prefect_server
from tests.chaos.bench import NOT_HANDED_OUT, Bench
from tests.chaos.campaigns import CAMPAIGNS
from tests.chaos.cases import CAMPAIGN_FAILED, Case, Finding
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.results import ENGINES
from tests.chaos.scenarios import SCENARIOS

Order = Case | str
"""A case to run, or a scenario to record."""
Answer = tuple[Order, Finding | Recording, float]
"""With the seconds that it took."""


class Workers:
    """One worker per folder. Each prefers the engine of its number, so that few scenarios are prepared twice."""

    def __init__(self, folder: Path, number: int) -> None:
        made = prefect_server.database(folder / "database")
        begin = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for worker in range(number):
            ours, theirs = begin.Pipe()
            ports = NOT_HANDED_OUT[worker::number]
            process = begin.Process(target=_work, args=(folder / f"worker-{worker}", made, ports, theirs))
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def close(self) -> None:
        """End them after what they are doing."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()

    def run(self, orders: Sequence[Order], enough: Callable[[], bool] = lambda: False) -> Iterator[Answer]:
        """Run them, as many at a time as there are workers, and yield what each found as it ends."""
        waiting = _by_engine(orders)
        busy: set[Connection] = set()
        idle = set(self._pipes)
        while busy or (any(waiting.values()) and not enough()):
            for pipe in sorted(idle, key=self._pipes.index):
                if not enough() and (order := _next(waiting, self._pipes.index(pipe))):
                    pipe.send(order)
                    busy.add(pipe)
            idle = set()
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                idle.add(pipe)
                busy.discard(pipe)
                yield pipe.recv()
            idle |= set(self._pipes) - busy


def _by_engine(orders: Sequence[Order]) -> dict[str, deque[Order]]:
    queues: dict[str, deque[Order]] = {engine: deque() for engine in ENGINES}
    for order in orders:
        queues[SCENARIOS[order].engine if isinstance(order, str) else order.engine].append(order)
    return queues


def _next(waiting: dict[str, deque[Order]], worker: int) -> Order | None:
    engines = list(waiting)
    preferred = engines[worker % len(engines) :] + engines[: worker % len(engines)]
    return next((waiting[engine].popleft() for engine in preferred if waiting[engine]), None)


def _work(folder: Path, database: Path, ports: range, pipe: Connection) -> None:
    folder.mkdir(parents=True)
    # Ctrl-C reaches every process; whoever would take the answer may be gone first.
    with suppress(KeyboardInterrupt, BrokenPipeError), closing(Bench(folder, database, ports)) as bench:
        recordings = Recordings(bench)
        while (order := _received(pipe)) is not None:
            began = time.monotonic()
            found = _done(bench, recordings, order)
            pipe.send((order, found, time.monotonic() - began))


def _done(bench: Bench, recordings: Recordings, order: Order) -> Any:
    try:
        if isinstance(order, str):
            return recordings.of(SCENARIOS[order])
        return CAMPAIGNS[order.campaign].run(bench, recordings, order)
    except Exception:  # noqa: BLE001 -- a campaign's own mistake is a finding too, and must not end the others
        return Finding(problems=[f"{CAMPAIGN_FAILED}: {traceback.format_exc()[-1500:]}"])
    finally:
        bench.discard_all()


def _received(pipe: Connection) -> Order | None:
    try:
        return pipe.recv()
    except (EOFError, KeyboardInterrupt):
        return None
