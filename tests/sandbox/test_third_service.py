"""A third service is one line of the list: command line, process, ports, announcement and COVERAGE.md follow."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import coverage, process, services
from sandbox.announced import SandboxError, environment
from tests.sandbox import third_service


@pytest.fixture
def with_third(monkeypatch):
    monkeypatch.setattr(services, "SERVICES", (*services.SERVICES, third_service.THIRD))


def program(*words):
    root = Path(__file__).parents[2]
    command = [sys.executable, third_service.__file__, "start", *words]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(root)})


def announced(state):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return environment(state)
        except SandboxError:
            time.sleep(0.02)
    raise TimeoutError


def test_it_starts_with_its_options_answers_at_its_port_and_is_announced(tmp_path):
    others = [f"--no-{service.name}" for service in services.SERVICES]
    running = program("--state", tmp_path, *others, "--third.greeting", "good morning")
    found = announced(tmp_path)
    assert found == {"THIRD_PORT": found["THIRD_PORT"], "THIRD_GREETING": "good morning"}
    socket.create_connection(("127.0.0.1", int(found["THIRD_PORT"]))).close()
    running.terminate()
    assert running.wait(20) == 0
    with pytest.raises(SandboxError):
        environment(tmp_path)


@pytest.mark.usefixtures("with_third")
def test_a_child_process_is_given_its_switch_and_its_options():
    words = process.arguments(third_service.ThirdOptions(greeting="hi"))
    others = [f"--no-{service.name}" for service in services.SERVICES[:-1]]
    assert words == [*others, "--third", "--third.greeting=hi"]


@pytest.mark.usefixtures("with_third")
def test_its_part_of_the_list_of_what_is_imitated_comes_last():
    assert coverage.text().endswith("\n## A third service\n")
