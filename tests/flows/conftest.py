"""One Prefect server and one preloaded command line for the session, for the flows of every engine."""

from __future__ import annotations

import json
import signal
from contextlib import suppress
from itertools import count

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from flows.stack import processes
from flows.stack.stack import SANDBOX, Stack
from sandbox import faults
from sandbox.announced import announcement
from tests.flows.client_settings import client_settings, slot_of
from tests.forks import Forks

_names = count()


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A Prefect server; its stand-ins are stopped again, the tests bring their own."""
    with Stack(tmp_path_factory.mktemp("stack"), with_worker=False).running() as stack:
        processes.stop([stack.state.alive(SANDBOX)])
        yield stack


@pytest.fixture(scope="session")
def _stand_ins(tmp_path_factory):
    made = {}

    def of(kind, options):
        if (kind, options) not in made:
            made[kind, options] = kind(tmp_path_factory.mktemp("stand-in"), options)
        return made[kind, options]

    yield of
    for each in made.values():
        each.process.stop()


@pytest.fixture
def shared_stand_in(_stand_ins):
    """The session's stand-in of a class and options, its faults cleared afterwards: `shared_stand_in(VertexStandIn, VertexOptions())`."""
    used = []

    def of(kind, options):
        used.append(_stand_ins(kind, options))
        return used[-1]

    yield of
    for each in used:
        faults.clear(each.state)


@pytest.fixture(scope="session")
def command_line(tmp_path_factory):
    line = Forks("tests.flows.preloaded", tmp_path_factory.mktemp("commands"))
    yield line
    line.close()


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"test-{next(_names)}"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def begin(stack, command_line, home):
    """Begins a command: `begin(service, "vertex", "build", ...)`; what still runs at the end of the test is killed."""
    begun = []

    def start(service, *words, **environment):
        known = stack.environment | {
            "VECTOR_SEARCH_SANDBOX": str(announcement(service.state)) if service else "/nowhere/sandbox.json",
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
    """Runs a command to its end, and expects its exit code: `run(service, "vertex", "query", ..., code=2)`."""

    def to_its_end(service, *words, code=0, **environment):
        command = begin(service, *words, **environment)
        assert command.code == code, command.err
        return command

    return to_its_end


@pytest.fixture
def listed(run):
    """What `list` has of a name: `listed(service, name)`. It ends with 1, because the stand-ins of other engines do not run."""

    def of(service, name):
        ended = run(service, "list", "--target", "sandbox", "--json", code=1)
        assert "was not looked at." in ended.err
        return [one for one in json.loads(ended.out) if one["name"] == name]

    return of


@pytest.fixture
def release(stack):
    """Frees the slot that a killed run holds; by itself it is free after a minute."""

    def slot(name, engine="vertex", on=None):
        with client_settings(stack), get_client(sync_client=True) as client:
            client.delete_global_concurrency_limit_by_name(slot_of(engine, name, on))

    return slot


@pytest.fixture
def kill(release, name):
    """Kills a command as `kill -9` does."""

    def now(command, on=None):
        assert not command.has_ended, command.err
        assert command.signal(signal.SIGKILL) == -signal.SIGKILL
        engine = command.words[0]
        release(name, engine, on)
        if engine == "answers":
            # It holds the slot of the engine that holds the passages too, if it has come so far.
            with suppress(ObjectNotFound):
                release(name, on or "elastic")

    return now
