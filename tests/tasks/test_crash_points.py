"""Crash points: before and after every call, and nothing unless they are asked for."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tasks.calls import translating
from tasks.crash_points import CRASH_AT, CRASH_POINTS

CALLS = """
from tasks.calls import translating
for name in ("create index products", "read operations/17", "read operations/18"):
    with translating(name, lambda *_: None):
        print(name, flush=True)
"""


def run(**environment):
    return subprocess.run(
        [sys.executable, "-c", CALLS], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def python_path():
    return {"PYTHONPATH": ":".join(filter(None, sys.path))}


def test_a_run_lists_the_points_that_it_passes_with_ids_left_out(tmp_path, python_path):
    points = tmp_path / "points"
    assert run(**{CRASH_POINTS: str(points)}, **python_path).returncode == 0
    assert [line.partition(" ")[2] for line in points.read_text().splitlines()] == [
        "create index products#1:before",
        "create index products#1:after",
        "read *#1:before",
        "read *#1:after",
        "read *#2:before",
        "read *#2:after",
    ]


@pytest.mark.parametrize(
    ("point", "done"),
    [
        ("create index products#1:before", []),
        ("create index products#1:after", ["create index products"]),
        ("read *#2:before", ["create index products", "read operations/17"]),
    ],
)
def test_a_run_dies_at_its_point_as_by_kill_9(point, done, python_path):
    ended = run(**{CRASH_AT: point}, **python_path)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.splitlines() == done


def test_without_the_variables_nothing_is_counted(monkeypatch):
    from tasks import crash_points

    monkeypatch.delenv(CRASH_AT, raising=False)
    monkeypatch.delenv(CRASH_POINTS, raising=False)
    before = dict(crash_points._passed)
    with translating("read it", lambda *_: None):
        pass
    assert dict(crash_points._passed) == before
