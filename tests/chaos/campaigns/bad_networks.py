"""Campaign 4: a proxy between flow and stand-in that delays, resets in mid-stream, falls silent, dribbles and cuts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.chaos import promises
from tests.chaos.bench import Bench, World
from tests.chaos.campaigns.proxy import Network, Proxy
from tests.chaos.cases import Case, Finding
from tests.chaos.recordings import Recording, Recordings
from tests.chaos.scenarios import SCENARIOS, Scenario

NAME = "bad networks"
_ADDRESSES = {
    "vertex": ("VERTEX_API_ENDPOINT", "STORAGE_EMULATOR_HOST"),
    "vertex-collections": ("VECTORSEARCH_API_ENDPOINT", "STORAGE_EMULATOR_HOST"),
    "elastic": ("ELASTIC_URL",),
    "databricks": ("DATABRICKS_HOST",),
    "answers-on-elastic": ("ELASTIC_URL", "OPENAI_BASE_URL"),
    "answers-on-vertex": ("VERTEX_API_ENDPOINT", "STORAGE_EMULATOR_HOST", "OPENAI_BASE_URL"),
    "answers-on-databricks": ("DATABRICKS_HOST", "OPENAI_BASE_URL"),
}
_NETWORKS = {
    "latency of 30 ms": Network(latency=0.03),
    "slow, 200 kB per second": Network(bytes_per_second=200_000),
    **{f"{count} resets after {size} bytes": Network(reset_after=size, connections=count)
       for count, size in product((1, 3), (0, 40, 700, 3_000, 9_000))},
    **{f"{count} half-open after {size} bytes": Network(silent_after=size, connections=count)
       for count, size in product((1, 2), (0, 700, 3_000))},
    **{f"cut after {after} s for {down} s": Network() for after, down in product((0.3, 0.6, 1.0, 1.5), (0.2, 1.0))},
}  # fmt: skip
_MUST_SUCCEED = ("latency", "slow")
"""The others may end a run with an error; nothing may be wrong afterwards."""
_OF_A_READER = 6
"""What a network interrupts there leaves nothing behind: these cases look for hangs and stack traces."""
_SHORT = 6


def cases(
    recorded: Sequence[tuple[Scenario, Recording]], chance: random.Random, *, full: bool
) -> Iterator[Case]:
    """Every network for every scenario that changes something, some for one that only reads; in short a few drawn ones."""
    every = [
        Case(NAME, scenario.id, (network,))
        for scenario, recording in recorded
        for network in (_NETWORKS if recording.effects else chance.sample(list(_NETWORKS), _OF_A_READER))
    ]
    yield from every if full else chance.sample(every, min(_SHORT, len(every)))


def run(bench: Bench, recordings: Recordings, case: Case) -> Finding:
    """Run through the network, then see without it whether the promises are kept."""
    scenario, finding, how = SCENARIOS[case.scenario], Finding(), case.how[0]
    world = recordings.world(scenario)
    with ExitStack() as proxied:
        proxies, announced = _between(world, _NETWORKS[how], proxied)
        command = bench.begin(world, scenario, announced=announced, minutes=0.5)
        if how.startswith("cut"):
            _, _, after, _, _, down, _ = how.split()
            time.sleep(float(after))
            finding.reached = not command.has_ended
            for proxy in proxies:
                proxy.cut()
            time.sleep(float(down))
            for proxy in proxies:
                proxy.repair()
        accepted = (0,) if how.startswith(_MUST_SUCCEED) else (0, 1)
        code = promises.ended(command, finding.problems, accepted, "the run through the network")
        struck = sum(proxy.struck for proxy in proxies)
    if "after" in how and not how.startswith("cut"):
        finding.reached = struck > 0
    finding.faults = struck or int(finding.reached)
    finding.problems += promises.kept(bench, recordings, world, scenario, again=code != 0)
    return finding


def _between(world: World, network: Network, proxied: ExitStack) -> tuple[list[Proxy], Path]:
    """A proxy before each address that the stand-in announces, and a file that announces the proxies."""
    content = json.loads(world.announced.read_text())
    proxies: list[Proxy] = []
    for variable in _ADDRESSES[world.engine]:
        address = content["environment"][variable]
        parts = urlsplit(address if "//" in address else f"//{address}")
        proxy = Proxy("127.0.0.1", int(parts.port or 0), network)
        proxied.callback(proxy.close)
        proxies.append(proxy)
        moved = urlunsplit(parts._replace(netloc=f"{parts.hostname}:{proxy.port}"))
        content["environment"][variable] = moved.removeprefix("//")
    announced = world.state / "proxied.json"
    announced.write_text(json.dumps(content))
    return proxies, announced
