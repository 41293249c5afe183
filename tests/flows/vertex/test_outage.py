"""Prefect's server dies in the middle of a command: the work goes on, and the command ends by what was achieved."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from prefect.client.orchestration import get_client

from flows.command_line import outage
from flows.stack import processes
from flows.stack.stack import SANDBOX, SERVER, Stack
from sandbox.announced import announcement
from tests.flows.client_settings import client_settings
from tests.polling import until

BY_LOOKS = {"advance": "reads", "reads": 40}
ENDS_WITHIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory):
    """A Prefect server that may be killed."""
    with Stack(tmp_path_factory.mktemp("stack"), with_worker=False).running() as stack:
        processes.stop([stack.state.alive(SANDBOX)])
        yield stack


@pytest.fixture
def server(own_stack):
    """Kills the server; running again for the next test."""
    if not own_stack.state.alive(SERVER):
        own_stack.up()
        processes.stop([own_stack.state.alive(SANDBOX)])
    return lambda: os.kill(own_stack.state.alive(SERVER).pid, signal.SIGKILL)


@pytest.fixture
def begun(own_stack, service_with, command_line, home, name, data, server):  # noqa: ARG001 -- the server must run first
    """A build that waits for its index, and its stand-in."""
    service = service_with(**BY_LOOKS)
    words = ["vertex", "build", "--name", name, "--data", str(data), "--target", "sandbox"]
    environment = own_stack.environment | {
        "VECTOR_SEARCH_SANDBOX": str(announcement(service.state)),
        "VECTOR_SEARCH_HOME": str(home),
        "COLUMNS": "160",
    }
    command = command_line.start(words, environment)
    yield service, command.wait_for(f"create index {name}: running")
    if not command.has_ended:
        command.signal()


def warnings(command):
    return [line for line in command.err.splitlines() if line.startswith(("warning: ", "error: "))]


@pytest.mark.slow
def test_a_build_whose_prefect_server_dies_ends_with_its_report_and_says_so_once(begun, server, home, name):
    service, command = begun
    server()
    command.wait_for("does not answer any more")
    service.drive(command)
    report = next((home / "reports").glob("*.json"))
    took = time.time() - report.stat().st_mtime
    assert command.code == 0, command.err
    assert took < ENDS_WITHIN_SECONDS
    assert json.loads(report.read_text())["outcome"] == "done"
    assert str(report) in command.out
    assert service.counts(name) == (1, 1, 1)
    (said,) = warnings(command)
    assert "Prefect's API at http://127.0.0.1:" in said
    assert "vector-search up" in said
    for internal in ("EventsWorker", "Traceback", "Error logging to API", "httpx", "lease"):
        assert internal not in command.err


@pytest.mark.slow
def test_a_restart_of_the_prefect_server_loses_nothing(begun, server, own_stack, name):
    service, command = begun
    server()
    until(lambda: not own_stack.state.alive(SERVER), "the server's end")
    own_stack.up()
    service.drive(command)
    assert command.code == 0, command.err
    assert not [line for line in warnings(command) if "does not answer" not in line], command.err
    with (
        client_settings(own_stack),
        get_client(sync_client=True) as client,
    ):
        (run,) = [each for each in client.read_flow_runs() if each.name == f"build {name} on sandbox"]
        assert run.state.type == "COMPLETED"
        assert client.read_artifacts()


class AtTheEndPrefectFails:
    """Prefect's engine when the API has gone: the function runs, then its state cannot be set."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, **parameters):
        try:
            self.fn(**parameters)
        except ValueError:
            raise ConnectionError("while setting the state Failed") from None
        raise ConnectionError("while setting the state Completed")


class Explaining:
    def __init__(self):
        self.explained = []

    def explain(self, error):
        self.explained.append(str(error))


def test_a_flow_that_is_done_is_done_whatever_prefect_makes_of_it():
    watch = Explaining()
    assert outage.standing(AtTheEndPrefectFails(lambda value: value + 1), watch)(value=1) == 2
    assert watch.explained == ["while setting the state Completed"]


def test_a_flow_that_failed_fails_with_its_own_error():
    def fails():
        raise ValueError("the real error")

    with pytest.raises(ValueError, match="the real error"):
        outage.standing(AtTheEndPrefectFails(fails), Explaining())()
