"""`vector-search demo`, as somebody runs it for the first time."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

from flows.command_line import roads
from flows.command_line.demo import Watch, times
from flows.command_line.roads import shown
from flows.stack.stack import Stack


def demo(home, *words):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    kept |= {"VECTOR_SEARCH_HOME": str(home), "COLUMNS": "80"}
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
    assert times(watch.parts) == "start 12 s, vertex 38 s; 50 s in all"


def screen(told, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(shown(told, Path("tour.log")), crop=False)
    return console.file.getvalue()


def lines_on(text, width):
    """As a terminal of that width shows them."""
    return sum(max(1, -(-len(line) // width)) for line in text.splitlines())


def told(chapters, **more):
    many = [
        {"step": f"chapter {number} of a tour that is long", "seen": "what it saw, " * 30, "seconds": 61.4}
        for number in range(chapters)
    ]
    return {
        "flow": "vertex tour", "name": "films", "target": "sandbox", "outcome": "done", "seconds": 80.0, "chapters": many, "steps": [],
        "file": f"/tmp/{'a' * 110}/report.json", **more,
    }  # fmt: skip


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("chapters", [1, 5, 7, 10, 40])
def test_a_tour_takes_one_screen_and_names_its_report(chapters, width):
    text = screen(told(chapters), width)
    assert lines_on(text, width) <= 24
    assert text.startswith("vertex tour films on sandbox, done in 1 min 20 s")
    assert "report.html" in text


def test_a_tour_without_chapters_shows_the_last_of_its_steps():
    steps = [{"step": f"step {number}", "seen": "x", "seconds": 1.0} for number in range(40)]
    text = screen(told(0, steps=steps))
    assert lines_on(text, 80) <= 24
    assert "step 39" in text


def test_a_tour_that_failed_says_why_and_where_its_log_is():
    text = screen(told(1, outcome="failed: no room", error={"message": "There is no room."}))
    assert "on sandbox, failed in" in text
    assert "error: There is no room." in text
    assert "log: " in text


@pytest.fixture
def traveled(tmp_path, monkeypatch):
    """Travels a tour whose command is this program: `traveled("print('{}')")` returns what `travel` does and what the terminal got."""

    def go(program):
        real = subprocess.Popen
        monkeypatch.setattr(
            roads.subprocess, "Popen", lambda words, **how: real([words[0], "-c", program], **how)
        )
        console = Console(file=io.StringIO(), width=80)
        return *roads.travel(
            ("vertex", "tour"), dict(os.environ), tmp_path / "logs" / "tour.log", console
        ), console.file.getvalue()

    return go


def test_what_a_tour_says_on_its_way_is_in_its_log_and_not_on_the_screen(traveled, tmp_path):
    code, found, seen = traveled(
        "import sys; print('create index', file=sys.stderr); print('{\"flow\": \"vertex tour\"}')"
    )
    assert (code, found, seen) == (0, {"flow": "vertex tour"}, "")
    assert (tmp_path / "logs" / "tour.log").read_text() == "create index\n"


def test_a_tour_that_was_killed_leaves_the_end_of_its_log(traveled):
    code, found, _ = traveled(
        "import os, sys; print('create index', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"
    )
    assert code == -9
    assert found == {"error": {"message": "create index"}}


@pytest.mark.slow
def test_the_demo_shows_every_tour_and_leaves_nothing_running(tmp_path):
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "nothing is left" in ended.stdout
    *tours, end = ended.stdout.split("\n\n")
    assert [tour.split()[0] for tour in tours] == ["vertex", "elastic", "answers"]
    assert max(lines_on(tour, 80) for tour in tours) < 24
    assert [tour for tour in tours if ".html" not in tour] == []
    assert re.search(r"Times: +start .+, vertex .+, elastic .+, answers .+; .+ in all", end)
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
