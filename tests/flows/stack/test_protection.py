"""A server that runs without the key of its folder is never taken for a protected one."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest

from flows.stack import api, key, processes, state
from flows.stack.api import NotProtected
from flows.stack.key import NoKey
from flows.stack.stack import SANDBOX, SERVER, WORKER, Stack, StackFailed
from tests.polling import until

ANSWERS = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()
        self.wfile.write(b'true')
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def running(tmp_path):
    """Makes a stack of processes that only look like it: `running(SERVER, status=200)` answers every request so."""
    begun = []

    def stack(*names, status=200):
        port = api.free_port()
        for name in names:
            code = ANSWERS if name == SERVER else "import time; time.sleep(600)"
            command = [sys.executable, "-c", code, str(port), str(status)]
            begun.append(
                processes.start(name, command, environment=os.environ, folder=tmp_path, log=tmp_path / "log")
            )
        ready = tuple(replace(process, ready=True) for process in begun)
        state.write(tmp_path / "stack.json", state.State(port=port, processes=ready))
        if SERVER in names:
            until(lambda: not api.is_free(port))
        return Stack(tmp_path, with_worker=False)

    yield stack
    processes.stop(begun)


def test_a_server_of_a_version_that_knew_no_key_is_refused_by_up(running):
    stack = running(SANDBOX, SERVER)
    with pytest.raises(NoKey, match="a version that asked for no key"):
        stack.up()
    key.ensure(stack.home)
    with pytest.raises(NotProtected, match=r"asks for no key.*`vector-search down`, then `vector-search up`"):
        stack.up()
    assert stack.down(), "which needs no key"


def test_a_server_that_refuses_the_key_is_told(running):
    stack = running(SANDBOX, SERVER, status=401)
    key.ensure(stack.home)
    with pytest.raises(NotProtected, match="refuses the key") as told:
        stack.up()
    assert stack.key not in str(told.value)


def test_a_server_that_fails_is_told_with_its_log(running):
    stack = running(SANDBOX, SERVER, status=500)
    key.ensure(stack.home)
    with pytest.raises(StackFailed, match=r"does not answer.*Its log is"):
        stack.up()


def test_a_worker_with_a_key_that_is_gone_is_stopped_before_the_new_server_starts(running, monkeypatch):
    stack = running(WORKER)

    def no_further(*_):
        raise InterruptedError

    monkeypatch.setattr(Stack, "_start_sandbox", no_further)
    with pytest.raises(InterruptedError):
        stack.up()
    assert not stack.state.alive(WORKER)
