"""What a signal does to a command that is done and only waits for Prefect's queues."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

COMMAND = """
import os, sys, time
from flows.running import outage
outage.Watch.current = type("Watch", (), {"leave": lambda *_: None})()
print("the result")
outage.leave(3)
os.kill(os.getpid(), int(sys.argv[1]))
time.sleep(30)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_with_its_own_code_and_all_that_it_printed(number):
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, str(int(number))],
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "the result\n", "")
