"""One Prefect server and one preloaded command line for the session; sandboxes by their options; data of a few hundred rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import storage
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.stack import SANDBOX, Stack, processes
from sandbox import faults, process, write_log
from sandbox.options import Options
from sandbox.stack import announcement
from tasks.artifact_keys import artifact_key
from tasks.settings import vertex_settings
from tasks.vertex.clients import connect

PATIENCE = 120.0
_names = count()


def _until(holds, what, seconds=PATIENCE):
    """Wait for a condition; fail with what was waited for when it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)
    return found


@dataclass
class Command:
    """A command under way or ended, a process of its own."""

    pid: int
    out_file: Path
    err_file: Path
    words: list[str]
    _line: Any = field(repr=False)
    _code: int | None = None

    @property
    def out(self):
        return self.out_file.read_text()

    @property
    def err(self):
        return self.err_file.read_text()

    @property
    def code(self):
        """The exit code; waits for the end."""
        if self._code is None:
            self._code = self._line.code_of(self.pid)
        return self._code

    @property
    def has_ended(self):
        return self._code is not None or self._line.has_ended(self.pid)

    def signal(self, number=signal.SIGKILL):
        """Send it a signal and wait for its end."""
        os.kill(self.pid, number)
        return self.code

    def wait_for(self, text):
        """Wait until it has said that."""
        _until(lambda: text in self.err or self.has_ended, f"{text!r}, said by {self.words}")
        assert text in self.err, self.err
        return self

    @property
    def error(self):
        """Its one error paragraph."""
        told = [line for line in self.err.splitlines() if line.startswith(("error: ", "interrupted: "))]
        assert len(told) == 1, self.err
        assert "Traceback" not in self.err
        return told[0]


class CommandLine:
    """The preloaded command line."""

    def __init__(self, folder):
        self.folder = folder
        self._numbers = count()
        self._codes = {}
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("preloaded.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read("ready")

    def start(self, words, environment):
        number = next(self._numbers)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        err.touch()
        order = {
            "words": words, "environment": environment, "folder": str(self.folder), "out": str(out), "err": str(err)
        }  # fmt: skip
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Command(self._read("began"), out, err, words, self)

    def code_of(self, pid):
        while pid not in self._codes:
            self._read("ended", pid)
        return self._codes[pid]

    def has_ended(self, pid):
        try:
            return (
                pid in self._codes
                or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
            )
        except FileNotFoundError:
            return True

    def close(self):
        self._server.stdin.close()
        self._server.wait(30)

    def _read(self, key, value=None):
        while True:
            said = json.loads(self._server.stdout.readline())
            if "ended" in said:
                self._codes[said["ended"]] = said["code"]
            if key in said and value in (None, said[key]):
                return said[key]


class Town:
    """A sandbox, and what a test asks it through the official clients."""

    def __init__(self, state, options):
        self.state, self.options = state, options
        self.process = process.start(state, options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(state)))
            self.settings = vertex_settings("sandbox")
        self.clients = connect(self.settings)

    def restart(self):
        self.process.kill()
        self.process = process.start(self.state, self.options)

    def fault(self, method, kind, when="before", **how):
        faults.add(self.state, method, kind, when, **how)

    @property
    def struck(self):
        return [each.method for each in faults.struck(self.state)]

    @property
    def writes(self):
        """The methods of all changing calls, in order."""
        return [each.method for each in write_log.read(self.state)]

    @property
    def unfinished(self):
        """The operations under way."""
        return list(self.clients.operations.list_operations(self.settings.parent, "done:false"))

    def drive(self, command):
        """Let a command run to its end where operations advance by looks: look at them again and again."""
        while not command.has_ended:
            time.sleep(0.2)
            self.advance()
        return command

    def advance(self):
        """Look until every operation has ended."""
        while self.unfinished:
            time.sleep(0.002)

    def look(self):
        """Look a few times, then give way."""
        for _ in range(5):
            self.unfinished  # noqa: B018 -- the look is what counts
        time.sleep(0.05)

    def indexes(self, name):
        return [
            each
            for each in self.clients.indexes.list_indexes(parent=self.settings.parent)
            if each.display_name == name
        ]

    def endpoints(self, name):
        listed = self.clients.endpoints.list_index_endpoints(parent=self.settings.parent)
        return [each for each in listed if each.display_name == name]

    def deployed(self, name):
        return [deployed.id for endpoint in self.endpoints(name) for deployed in endpoint.deployed_indexes]

    def generations(self, name):
        """The objects of a name in the bucket, with their generations."""
        blobs = self.storage.list_blobs(self.settings.bucket_name, prefix=f"vector-search-ops/{name}/")
        try:
            return {blob.name: blob.generation for blob in blobs}
        except NotFound:
            return {}

    @property
    def storage(self) -> storage.Client:
        return self.clients.storage

    def counts(self, name):
        """(indexes, endpoints, deployed indexes) of a name, once nothing moves any more and everything is listed."""
        self.advance()
        if not self.options.list_while_creating:
            time.sleep(self.options.listing_delay)
        return len(self.indexes(name)), len(self.endpoints(name)), len(self.deployed(name))


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A Prefect server; its stand-ins are stopped again, the tests bring their own."""
    with Stack(tmp_path_factory.mktemp("stack"), with_worker=False).running() as stack:
        processes.stop([stack.state.alive(SANDBOX)])
        yield stack


@pytest.fixture(scope="session")
def command_line(tmp_path_factory):
    line = CommandLine(tmp_path_factory.mktemp("commands"))
    yield line
    line.close()


@pytest.fixture(scope="session")
def _towns(tmp_path_factory):
    towns = {}

    def town(**options):
        chosen = Options(**{"clock_factor": 20_000, "upsert_delay": 0.05, **options})
        if chosen not in towns:
            towns[chosen] = Town(tmp_path_factory.mktemp("town"), chosen)
        return towns[chosen]

    yield town
    for each in towns.values():
        each.process.stop()


@pytest.fixture
def town_with(_towns):
    """The session's sandbox of these options, its faults cleared afterwards: `town_with(advance="reads")`."""
    used = []

    def town(**options):
        used.append(_towns(**options))
        return used[-1]

    yield town
    for each in used:
        faults.clear(each.state)


@pytest.fixture
def town(town_with):
    """The session's sandbox for tests that do not mind which."""
    return town_with()


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"test-{next(_names)}"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def begin(stack, command_line, home):
    """Begins a command: `begin(town, "vertex", "build", ...)`; what still runs at the end of the test is killed."""
    begun = []

    def start(town, *words, **environment):
        known = stack.environment | {
            "VECTOR_SEARCH_SANDBOX": str(announcement(town.state)) if town else "/nowhere/sandbox.json",
            "VECTOR_SEARCH_HOME": str(home),
            "COLUMNS": "160",
        }
        begun.append(command_line.start([str(word) for word in words], known | environment))
        return begun[-1]

    yield start
    for command in begun:
        if not command.has_ended:
            command.signal()


@pytest.fixture
def run(begin):
    """Runs a command to its end, and expects its exit code: `run(town, "vertex", "query", ..., code=2)`."""

    def to_its_end(town, *words, code=0, **environment):
        command = begin(town, *words, **environment)
        assert command.code == code, command.err
        return command

    return to_its_end


@pytest.fixture
def build(run, name, data):
    """Builds under the test's name: `build(town, "--endpoint", "vpc", data=other)`."""
    own = data

    def of(town, *options, data=None, name=name, code=0, begin=None):
        words = ["vertex", "build", "--name", name, "--data", data or own, "--target", "sandbox", *options]
        return begin(town, *words) if begin else run(town, *words, code=code)

    return of


@pytest.fixture
def teardown(run, name):
    """Tears the test's name down, with a yes."""
    return lambda town: run(town, "vertex", "teardown", "--name", name, "--target", "sandbox", "--yes")


@pytest.fixture
def release(stack):
    """Frees the slot that a killed run holds; by itself it is free after a minute."""

    def slot(name):
        with temporary_settings({PREFECT_API_URL: stack.api_url}), get_client(sync_client=True) as client:
            client.delete_global_concurrency_limit_by_name(artifact_key("vertex", name))

    return slot


@pytest.fixture
def kill(release, name):
    """Kills a command as `kill -9` does."""

    def now(command):
        assert not command.has_ended, command.err
        assert command.signal(signal.SIGKILL) == -signal.SIGKILL
        release(name)

    return now


def write_vectors(file, rows=300, dimensions=8, seed=1, queries=20, **datasets):
    """An HDF5 file in the ann-benchmarks layout."""
    random = np.random.default_rng(seed)
    vectors = {
        "train": random.normal(size=(rows, dimensions)).astype(np.float32),
        "test": random.normal(size=(queries, dimensions)).astype(np.float32),
    }
    with h5py.File(file, "w") as opened:
        for key, value in {**vectors, **datasets}.items():
            if value is not None:
                opened[key] = value
    return file


@pytest.fixture
def vectors(tmp_path):
    """Writes vectors: `vectors("b.hdf5", seed=2)`."""
    return lambda file, **options: write_vectors(tmp_path / file, **options)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The usual vectors."""
    return write_vectors(tmp_path_factory.mktemp("data") / "a.hdf5")


@pytest.fixture(scope="session")
def other_data(tmp_path_factory):
    """Other vectors of the same dimensions."""
    return write_vectors(tmp_path_factory.mktemp("data") / "b.hdf5", seed=2)


@pytest.fixture(scope="session")
def until():
    """Waits for a condition: `until(lambda: ..., "what is waited for")`."""
    return _until
