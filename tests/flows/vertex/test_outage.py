"""Prefect's server dies in the middle of a command: the work goes on, and the command ends by what was achieved."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest
from prefect.client.orchestration import get_client

from flows.running import outage
from flows.stack import processes
from flows.stack.stack import SANDBOX, SERVER, Stack
from sandbox.announced import announcement
from tests.flows.client_settings import client_settings
from tests.polling import until

BY_LOOKS = {"advance": "reads", "reads": 400}  # more than the build itself looks while a server starts
ENDS_WITHIN_SECONDS = 30.0
CALLS_OF_PREFECT = 4  # the first and flows.running.outage's three retries
SLACK_SECONDS = 15.0  # for a busy machine


class Front:
    """A port before the stack's server that passes requests on, until one asks for a path: then it is closed.

    Args:
        stack: whose server it is.
        when: the path of the first request that is not passed on.
        then: what happens to the server at that moment.
        busy: how many requests for the path are answered before with 503, as a server does whose database is locked.
    """

    def __init__(self, stack, *, when, then, busy=0):
        front = self
        self.reached = None
        self.busy = busy

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def passed_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == when and front.busy:
                    front.busy -= 1
                    self.send_error(503)
                    return
                if self.path == when and then and front.reached is None:
                    front.reached = time.monotonic()
                    then()
                    threading.Thread(target=front.close).start()
                if front.reached is not None:
                    self.close_connection = True
                    return
                headers = {**self.headers, "Host": urlsplit(stack.api_url).netloc}
                answer = httpx.request(
                    self.command, stack.ui_url + self.path, content=body, headers=headers, trust_env=False
                )
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_PATCH = passed_on  # noqa: N815 -- the names of http.server

            def log_message(self, *_):
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.api_url = f"http://127.0.0.1:{self.listener.server_port}/api"

    def __enter__(self):
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory):
    """A Prefect server that may be killed."""
    with Stack(tmp_path_factory.mktemp("stack"), with_worker=False).running() as stack:
        processes.stop([stack.state.alive(SANDBOX)])
        yield stack


@pytest.fixture
def server(own_stack):
    """Sends the server a signal, SIGKILL by default; running again for the next test."""
    if not own_stack.state.alive(SERVER):
        own_stack.up()
        processes.stop([own_stack.state.alive(SANDBOX)])
    process = own_stack.state.alive(SERVER)
    yield lambda number=signal.SIGKILL: os.kill(process.pid, number)
    if process.is_alive:
        os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def begin_build(own_stack, command_line, home, name, data, server):  # noqa: ARG001 -- the server must run first
    """Begins a build of the test's name: `begin_build(service, "--timeout-minutes", "1", PREFECT_API_URL=other)`."""
    begun = []

    def begin(service, *options, **environment):
        words = ["vertex", "build", "--name", name, "--data", str(data), "--target", "sandbox", *options]
        known = own_stack.environment | {
            "VECTOR_SEARCH_SANDBOX": str(announcement(service.state)),
            "VECTOR_SEARCH_HOME": str(home),
            "COLUMNS": "160",
        }
        begun.append(command_line.start(words, known | environment))
        return begun[-1]

    yield begin
    for command in begun:
        if not command.has_ended:
            command.signal()


@pytest.fixture
def begun(service_with, begin_build, name):
    """A build that waits for its index, and its stand-in."""
    service = service_with(**BY_LOOKS)
    return service, begin_build(service).wait_for(f"create index {name}: running")


def warnings(command):
    return [line for line in command.err.splitlines() if line.startswith(("warning: ", "error: "))]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_build_whose_prefect_server_dies_ends_with_its_report_and_says_so_once(
    number, begun, server, home, name
):
    service, command = begun
    server(number)
    command.wait_for("does not answer any more")
    service.drive(command)
    report = next((home / "reports").glob("*.json"))
    took = time.time() - report.stat().st_mtime
    assert command.code == 0, command.err
    assert took < ENDS_WITHIN_SECONDS
    assert json.loads(report.read_text())["outcome"] == "done"
    assert str(report.with_suffix(".html")) in command.out
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
    port = own_stack.state.port
    own_stack.up()
    assert own_stack.state.port == port, "the address that running commands and shells have"
    service.drive(command)
    assert command.code == 0, command.err
    assert not [line for line in warnings(command) if "does not answer" not in line], command.err
    with (
        client_settings(own_stack),
        get_client(sync_client=True) as client,
    ):
        (run,) = [each for each in client.read_flow_runs() if each.name == f"build {name} on sandbox"]
        assert run.state.type == "COMPLETED", command.err
        assert client.read_artifacts()


@pytest.mark.slow
def test_a_build_that_fails_without_prefects_server_fails_with_its_own_error(
    service_with, begin_build, server, home, name
):
    command = begin_build(service_with(**BY_LOOKS), "--timeout-minutes", "0.8")
    command.wait_for(f"create index {name}: running")
    server()
    command.wait_for("does not answer any more")
    assert command.code == 1
    assert f"create index {name}" in command.error
    assert "48 s" in command.error
    (report,) = (home / "reports").glob("*.json")
    assert json.loads(report.read_text())["outcome"].startswith("failed: ")


@pytest.mark.slow
def test_a_build_that_waits_for_its_slot_when_the_server_dies_changes_nothing(
    begun, begin_build, server, name
):
    service, first = begun
    second = begin_build(service).wait_for("Another run is working on")
    before = service.writes
    server()
    died = time.monotonic()
    assert second.code == 1
    assert time.monotonic() - died < ENDS_WITHIN_SECONDS + SLACK_SECONDS
    assert f"did not grant the slot of {name!r}" in second.error
    assert service.writes == before
    service.drive(first)
    assert first.code == 0, first.err
    assert service.counts(name) == (1, 1, 1)


@pytest.mark.slow
def test_a_server_that_dies_before_the_run_begins_is_told_in_one_paragraph(
    service_with, begin_build, own_stack, server
):
    service = service_with(**BY_LOOKS)
    before = service.writes
    with Front(own_stack, when="/api/flow_runs/", then=server) as front:
        command = begin_build(service, PREFECT_API_URL=front.api_url)
        assert command.code == 1
    assert time.monotonic() - front.reached < ENDS_WITHIN_SECONDS + SLACK_SECONDS
    assert "Prefect's API stopped responding" in command.error
    assert service.writes == before


@pytest.mark.slow
def test_a_server_that_is_busy_for_longer_than_prefect_repeats_a_call_is_waited_for(
    service_with, begin_build, own_stack
):
    service = service_with(**BY_LOOKS)
    with Front(own_stack, when="/api/flow_runs/", then=None, busy=CALLS_OF_PREFECT + 1) as front:
        command = begin_build(service, PREFECT_API_URL=front.api_url)
        service.drive(command)
        assert command.code == 0, command.err
    assert front.busy == 0
    assert not warnings(command)


@pytest.mark.slow
def test_a_server_that_hangs_already_is_told_soon(service_with, begin_build, server):
    server(signal.SIGSTOP)
    began = time.monotonic()
    command = begin_build(service_with(**BY_LOOKS))
    assert command.code == 1
    assert time.monotonic() - began < ENDS_WITHIN_SECONDS + SLACK_SECONDS
    assert "does not answer" in command.error


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
