"""What the cases of one worker run on, one after the other: a Prefect server, commands and stand-ins that are forked.

The server lives as long as the worker; a case has a stand-in of its own, whose state is a copy of a prepared one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from contextlib import suppress
from itertools import count
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from sandbox import process, write_log
from sandbox.announced import announcement
from sandbox.databricks.options import DatabricksOptions
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from sandbox.ports import bound
from sandbox.services import SERVICES
from sandbox.vertex.options import VertexOptions
from tests.chaos import data
from tests.chaos.prefect_server import PrefectServer
from tests.chaos.scenarios import NAME, Scenario
from tests.flows.client_settings import client_settings, slot_of
from tests.forks import Fork, Forks
from tests.polling import until

_VERTEX = VertexOptions(clock_factor=20_000, upsert_delay=0.02)
_ELASTIC = ElasticOptions(download_seconds=0.1, start_seconds=0.05, refresh_seconds=0.2)
_DATABRICKS = DatabricksOptions(clock_factor=20_000, write_delay=0.02)
_SLOW_VERTEX = VertexOptions(clock_factor=2_000, upsert_delay=0.2)
_SLOW_ELASTIC = ElasticOptions(download_seconds=1, start_seconds=0.3, inference_seconds=0.03)
_SLOW_DATABRICKS = DatabricksOptions(clock_factor=600, write_delay=0.2)
_MODELS = ModelServerOptions()
Options = tuple[object, ...]
"""Those of each stand-in of a world."""
OPTIONS: dict[str, Options] = {
    "vertex": (_VERTEX,),
    "vertex-collections": (_VERTEX,),
    "elastic": (_ELASTIC,),
    "databricks": (_DATABRICKS,),
    "answers-on-elastic": (_ELASTIC, _MODELS),
    "answers-on-vertex": (_VERTEX, _MODELS),
    "answers-on-databricks": (_DATABRICKS, _MODELS),
}
SLOW: dict[str, Options] = {
    "vertex": (_SLOW_VERTEX,),
    "vertex-collections": (_SLOW_VERTEX,),
    "elastic": (_SLOW_ELASTIC,),
    "databricks": (_SLOW_DATABRICKS,),
    "answers-on-elastic": (_SLOW_ELASTIC, _MODELS),
    "answers-on-vertex": (_SLOW_VERTEX, _MODELS),
    "answers-on-databricks": (_SLOW_DATABRICKS, _MODELS),
}
"""For kills at random times: most of a run is then waiting, as in reality."""
_KEEP_THEIR_PORTS = {"vertex", "vertex-collections", "answers-on-vertex"}
"""An index of Vertex AI keeps its address; the others may start anywhere."""

NOT_HANDED_OUT = range(12_000, 32_000)
"""Below those that Linux gives to whoever asks for a free port (ip_local_port_range, 32768 to 60999)."""


class World:
    """The stand-ins of one engine on a state folder, not yet started."""

    def __init__(self, bench: Bench, engine: str, state: Path, options: Options) -> None:
        self.bench, self.engine, self.state, self.options = bench, engine, state, options
        self.announced = announcement(state)
        self._fork: Fork | None = None

    def start(self) -> None:
        """Start it where it was."""
        until(self._has_started, "the stand-in")

    def _has_started(self) -> bool:
        """Begin it and wait; a client's connection may have its port for a moment, and a Vertex index keeps its address."""
        self.announced.unlink(missing_ok=True)
        words = ["start", "--state", str(self.state), *process.arguments(*self.options)]
        fork = self._fork = self.bench.sandboxes.start(words, self.bench.inherited)
        until(lambda: self.announced.exists() or fork.has_ended, "the stand-in")
        assert self.announced.exists() or "is taken" in fork.err, fork.err
        return self.announced.exists()

    def stop(self) -> None:
        """Stop it gracefully."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._fork and not self._fork.has_ended:
            self._fork.signal(number)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    @property
    def writes(self) -> list[str]:
        """The accepted changing calls, in order."""
        return [f"{each.method} {each.resource}" for each in write_log.read(self.state)]


class Bench:
    """The processes of one worker, in one folder.

    Args:
        folder: where.
        database: that of Prefect, to be copied; None to make one.
        ports: those that stand-ins keep, which no other worker has.
    """

    def __init__(self, folder: Path, database: Path | None = None, ports: range = NOT_HANDED_OUT) -> None:
        self.folder = folder
        self._ports = ports
        self.files = data.write(folder / "data")
        self._numbers = count()
        self._worlds: list[World] = []
        for name in ("commands", "sandboxes", "worlds"):
            (folder / name).mkdir(exist_ok=True)
        self.prefect = PrefectServer(folder / "prefect", database)
        self.inherited = dict(os.environ)
        self.commands = Forks(
            "tests.chaos.preloaded_flows", folder / "commands", self.inherited | self.prefect.environment
        )
        self.sandboxes = Forks("tests.chaos.preloaded_sandbox", folder / "sandboxes")

    def close(self) -> None:
        """Stop everything."""
        self.commands.close()
        self.sandboxes.close()
        self.prefect.stop()

    def world(self, engine: str, prepared: Path | None, options: Options = ()) -> World:
        """A running stand-in on a copy of a prepared state, or on an empty one."""
        state = self.folder / "worlds" / str(next(self._numbers))
        if prepared is not None:
            shutil.copytree(prepared, state)
            if engine not in _KEEP_THEIR_PORTS:
                (state / "ports.json").unlink()
        elif engine in _KEEP_THEIR_PORTS:
            state.mkdir()
            names = (port for service in SERVICES for port in service.ports)
            (state / "ports.json").write_text(json.dumps({name: self._own_port() for name in names}))
        world = World(self, engine, state, options or OPTIONS[engine])
        self._worlds.append(world)
        world.start()
        return world

    def discard_all(self) -> None:
        """Discard the stand-ins of a case, however it ended."""
        while self._worlds:
            self.discard(self._worlds[-1])

    def discard(self, world: World) -> None:
        """Stop a stand-in and delete what it held."""
        self._worlds.remove(world)
        world.kill()  # a graceful end takes half a second
        shutil.rmtree(world.state, ignore_errors=True)  # what it has started may write its last

    def _own_port(self) -> int:
        """A free port that no other process gets by chance while the stand-in that keeps it is down."""
        while True:
            port = random.choice(self._ports)
            with suppress(OSError):
                bound(port).close()
                return port

    def begin(
        self,
        world: World,
        scenario: Scenario,
        *,
        minutes: float = 2,
        announced: Path | None = None,
        **environment: str,
    ) -> Fork:
        """Begin the scenario's command on a stand-in, or on what another file announces in its place."""
        words = [word.format(**self.files) for word in scenario.command] + ["--target", "sandbox"]
        if scenario.waits:
            words += ["--timeout-minutes", str(minutes)]
        return self.commands.start(words, self.environment(world, announced) | environment)

    def environment(self, world: World, announced: Path | None = None) -> dict[str, str]:
        """The environment of what works on a stand-in, or on what another file announces in its place."""
        return {
            **self.prefect.environment,
            "VECTOR_SEARCH_SANDBOX": str(announced or world.announced),
            "VECTOR_SEARCH_HOME": str(world.state / "home"),
            "COLUMNS": "160",
            # Elasticsearch's client looks through the whole stack for the line that uses a preview: half of a command's time.
            "DISABLE_WARN_STACKLEVEL": "true",
        }

    def release(self) -> None:
        """Free the slots that a killed run holds; by themselves they are free after a minute."""
        with client_settings(self.prefect), get_client(sync_client=True) as client:
            for world in OPTIONS:
                engine, _, on = world.partition("-on-")
                for name in (NAME, f"{NAME}-exact", "texts"):
                    with suppress(ObjectNotFound):
                        client.delete_global_concurrency_limit_by_name(slot_of(engine, name, on or None))
