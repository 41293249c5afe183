"""How a worker's run ends; with a real server and a real worker in tests/flows/workers."""

from __future__ import annotations

import logging
import os
import sys

import pytest
from rich.console import Console

from flows.running import worker_run
from flows.running.worker_run import watched


class WatchOf:
    """A watch of an API that is gone or not, and what it was told."""

    current = None

    def __init__(self, *, is_gone):
        self.is_gone, self.told = is_gone, []

    def start(self):
        return self

    def settle(self):
        self.told.append("settle")

    def leave(self, code):
        self.told.append(code)


@pytest.fixture
def watch(monkeypatch):
    def of(*, is_gone, worker=True):
        made = WatchOf(is_gone=is_gone)
        replacement = type("Watch", (), {"current": None, "__new__": lambda *_: made})
        monkeypatch.setattr(worker_run, "Watch", replacement)
        monkeypatch.setattr(worker_run, "_is_of_a_worker", lambda: worker)
        monkeypatch.setattr(worker_run, "_silence_the_queues", lambda: None)
        return made

    return of


def test_a_run_that_is_done_without_prefects_server_says_so_and_leaves(watch, caplog):
    made = watch(is_gone=True)
    with watched():
        pass
    assert made.told == ["settle", 0]
    assert "The run is done. Prefect cannot show it" in caplog.text


def test_a_run_that_fails_without_prefects_server_says_its_own_error_and_leaves(watch, caplog):
    made = watch(is_gone=True)
    with pytest.raises(ValueError, match="recall"), watched():
        raise ValueError("recall is too low\nby far")
    assert made.told == ["settle", 1]
    assert "The run failed: recall is too low by far" in caplog.text


def test_with_prefects_server_nothing_is_said(watch, caplog):
    made = watch(is_gone=False)
    with watched():
        pass
    with pytest.raises(KeyboardInterrupt), watched():
        raise KeyboardInterrupt
    assert made.told == ["settle", 0, "settle", 1]
    assert caplog.records == []


def test_a_process_that_no_worker_started_is_not_watched(watch):
    made = watch(is_gone=True, worker=False)
    with watched():
        pass
    assert made.told == []


@pytest.mark.parametrize("logger", ["root", "prefect", "prefect._internal"])
def test_the_queues_of_prefect_are_kept_out_of_the_log_and_other_words_are_not(logger, monkeypatch):
    shown = []
    handler = logging.Handler()
    handler.emit = shown.append
    monkeypatch.setattr(logging.getLogger(logger), "handlers", [handler])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    worker_run._silence_the_queues()
    names = ("prefect._internal.concurrency", "prefect.events.clients", "prefect.FlowRunSuspendingObserver")
    for name in (*names, "vector_search_ops"):
        handler.handle(logging.makeLogRecord({"name": name, "msg": "said", "levelno": logging.ERROR}))
    lost = "Concurrency lease renewal failed - slots are no longer reserved."
    handler.handle(logging.makeLogRecord({"name": "prefect.flow_runs", "msg": lost}))
    assert [record.name for record in shown] == ["vector_search_ops"]
    assert logging.raiseExceptions is False


def test_a_run_whose_worker_is_gone_goes_on_without_a_console(monkeypatch, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)  # as a worker that was killed
    with os.fdopen(writer, "w") as pipe, (tmp_path / "stdout").open("w") as stdout:
        handler = logging.Handler()
        handler.console = Console(file=pipe)
        monkeypatch.setattr(sys, "stdout", stdout)  # rich points the process's own at nowhere
        monkeypatch.setattr(logging.getLogger("prefect.flow_runs"), "handlers", [handler])
        worker_run._outlive_the_worker()
        handler.console.print("a line")
        handler.console.print("another")
        assert handler.console.quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), pipe.fileno())  # what is buffered goes there
