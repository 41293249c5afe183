"""Prefect's server dies while a worker's run waits: the work ends, and so does the run's process, soon and in few words."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from flows.stack import processes
from flows.stack.stack import SERVER, WORKER
from tests.flows.workers.conftest import PATIENCE
from tests.polling import until

ENDS_WITHIN_SECONDS = 30.0
SLACK_SECONDS = 15.0  # for a busy machine


@pytest.mark.slow
@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_run_of_a_worker_whose_server_dies_ends_with_its_report_and_soon(number, stack, service, name):
    worker, server = stack.state.alive(WORKER), stack.state.alive(SERVER)
    runs, log = processes._descendants([worker]), Path(worker.log)
    before = log.stat().st_size

    def said():
        return log.read_bytes()[before:].decode(errors="replace")

    def reports():
        return list((stack.home / "reports").glob(f"vertex-build-{name}-*.json"))

    def has_ended():
        service.look()
        return not processes._still(runs)

    os.kill(server.pid, number)
    try:
        until(lambda: "does not answer any more" in said(), "the word about the server", PATIENCE)
        until(has_ended, "the end of the run's process", PATIENCE)
        (report,) = reports()
        assert time.time() - report.stat().st_mtime < ENDS_WITHIN_SECONDS + SLACK_SECONDS
        assert json.loads(report.read_text())["outcome"] == "done"
        assert service.counts(name) == (1, 1, 1)
        assert said().count("The run is done.") == 1
    finally:
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.is_alive, "the end of the server")
