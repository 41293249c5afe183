"""`vector-search demo`, as somebody runs it for the first time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from filelock import FileLock

from flows.command_line.demo import Watch
from flows.stack.stack import Stack


def demo(home, *words):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    kept |= {"VECTOR_SEARCH_HOME": str(home), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "flows", "demo", *words],
        env=kept, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path):
    (tmp_path / "demo").mkdir()
    with FileLock(tmp_path / "demo" / "demo.lock"):
        ended = demo(tmp_path)
    assert ended.returncode == 1
    assert "Another demo is running" in ended.stderr


def test_each_part_has_its_own_time_and_all_of_them_the_sum(monkeypatch):
    moments = iter([100.0, 112.0, 150.4])
    monkeypatch.setattr("flows.command_line.demo.time.monotonic", lambda: next(moments))
    watch = Watch()
    watch.ended("start")
    watch.ended("vertex")
    assert str(watch) == "start 12 s, vertex 38 s; 50 s in all"


@pytest.mark.slow
def test_the_demo_shows_every_tour_and_leaves_nothing_running(tmp_path):
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "nothing is left" in ended.stdout
    assert re.search(r"Times: +start .+, vertex .+, elastic .+, answers .+; .+ in all", ended.stdout)
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    reports = [json.loads(file.read_text()) for file in (tmp_path / "demo" / "reports").glob("*.json")]
    assert {report["flow"]: report["outcome"] for report in reports} == {
        "vertex tour": "done",
        "elastic tour": "done",
        "answers tour": "done",
    }
    stack = Stack(tmp_path / "demo")
    assert stack.api_url is None
    assert stack.state.processes == ()
