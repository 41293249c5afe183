"""`kill -9` of `up`: the next one finishes what it has begun, and nothing is left that nobody knows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.stack import api, processes, state
from flows.stack.stack import REGISTRATION, SANDBOX, SERVER, WORKER, Stack
from tests.polling import until

ROOT = Path(__file__).parents[3]
DUMMIES = ROOT / "tests" / "flows" / "dummies"
DEPLOYMENTS = DUMMIES / "prefect.yaml"

STARTS_AND_DIES = """
import os, signal, sys
from pathlib import Path
from flows.stack import processes
folder = Path(sys.argv[1])
def record(process):
    (folder / "pid").write_text(str(process.pid))
    os.kill(os.getpid(), signal.SIGKILL)
touches = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(folder / "began")]
processes.start("toucher", touches, environment=os.environ, folder=folder, log=folder / "log", record=record)
"""
UP = """
import sys
from pathlib import Path
from flows.stack.stack import Stack
Stack(Path(sys.argv[1]), deployments=Path(sys.argv[2])).up()
"""


def python(code, *words):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, stderr=subprocess.DEVNULL
    )


def test_a_process_that_was_not_recorded_never_begins(tmp_path):
    assert python(STARTS_AND_DIES, tmp_path).wait() == -signal.SIGKILL
    pid = int((tmp_path / "pid").read_text())
    until(lambda: processes.started_at(pid) is None, "the end of the process")
    assert not (tmp_path / "began").exists()
    assert "killed before it had recorded it" in (tmp_path / "log").read_text()


def test_a_process_whose_record_fails_never_begins(tmp_path):
    def full(_):
        raise OSError("no space left")

    touches = [sys.executable, "-c", "import pathlib; pathlib.Path('began').touch()"]
    with pytest.raises(OSError, match="no space left"):
        processes.start(
            "toucher", touches, environment=os.environ, folder=tmp_path, log=tmp_path / "log", record=full
        )
    until((tmp_path / "log").read_text, "the end of the process")
    assert not (tmp_path / "began").exists()


@pytest.mark.parametrize(("code", "succeeded"), [("pass", True), ("raise SystemExit(3)", False)])
def test_the_exit_code_of_a_child_is_known(code, succeeded, tmp_path):
    command = [sys.executable, "-c", code]
    process = processes.start("child", command, environment=os.environ, folder=tmp_path, log=tmp_path / "log")
    until(lambda: not process.is_alive, "its end")
    assert process.succeeded is succeeded


def of_home(home):
    """The processes that work in a home folder: their ids with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if f"VECTOR_SEARCH_HOME={home}".encode() in environment and any(words):
            found[int(folder.name)] = " ".join(words)
    return found


def has_begun(name):
    return lambda now: now.alive(name) is not None


def registered_without_a_worker(now):
    return has_begun(WORKER)(now) and not now.is_ready(WORKER) and now.alive(REGISTRATION) is None


POINTS = {
    "the stand-ins start": has_begun(SANDBOX),
    "the server starts": has_begun(SERVER),
    "the deployments are being registered": has_begun(WORKER),
    "again": has_begun(REGISTRATION),
    "the deployments are registered": registered_without_a_worker,
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
def test_the_next_up_finishes_what_those_that_were_killed_have_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{DUMMIES}{os.pathsep}{ROOT}")  # the worker imports the dummy flow
    stack, file = Stack(tmp_path, deployments=DEPLOYMENTS), tmp_path / "stack.json"
    try:
        for point, reached in POINTS.items():
            up = python(UP, tmp_path, DEPLOYMENTS)
            until(lambda: reached(state.read(file)) or up.poll() is not None, point, seconds=300)  # noqa: B023
            up.kill()
            assert up.wait() == -signal.SIGKILL, point
            assert not stack.is_up, point
        kept = {each.name: each.pid for each in stack.state.processes}

        assert stack.up(), "something was left to do"
        assert stack.is_up
        now = {each.name: each.pid for each in stack.state.processes}
        assert now.keys() == {SANDBOX, SERVER, WORKER}
        assert (now[SANDBOX], now[SERVER]) == (kept[SANDBOX], kept[SERVER])
        assert api.deployment_count(stack.api_url, stack.key) == 1
        for program in ("flows.stack.server", "sandbox start", "worker start", "prefect --no-prompt deploy"):
            running = [pid for pid, words in of_home(tmp_path).items() if program in words]
            assert len(running) == (0 if "deploy" in program else 1), program
        assert not stack.up()
    finally:
        stack.down()
    assert not of_home(tmp_path)
