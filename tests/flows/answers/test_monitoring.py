"""The trend of a page's records, and the gate that each kind of trouble meets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tasks.answers.records import Asked, Judged, append, record_file

pytestmark = pytest.mark.slow


@pytest.fixture
def monitor(service, answers, name):
    return lambda *words, code=0: answers(service, "monitor", "--name", name, *words, code=code)


@pytest.fixture
def records(service, home, name):
    """Writes records of questions: `records(10, outcome="failed", days=1, useful=True)`."""
    file = record_file(home, name, engine="elastic", where=service.settings.where)

    def write(number, *, days=1, useful=None, outcome="answered", seconds=1.0, tokens=500, question="same"):
        for n in range(number):
            asked = Asked(
                id=f"{outcome}-{days}-{n}", at=datetime.now(UTC) - timedelta(days=days, seconds=-1), question=question, outcome=outcome,
                search_seconds=seconds / 2, answer_seconds=seconds / 2, prompt_tokens=tokens - 50, answer_tokens=50,
            )  # fmt: skip
            append(file, asked)
            if useful is not None:
                append(file, Judged(id=asked.id, useful=not useful))
                append(file, Judged(id=asked.id, useful=useful))
        return file

    return write


def test_a_trend_counts_every_outcome_and_compares_it_with_the_days_before(monitor, records, facts):
    records(2, days=12, outcome="withheld", tokens=900)
    records(30, days=40, outcome="failed")
    records(8, useful=True, seconds=2.0)
    file = records(4, outcome="not in the sources", useful=False, days=2)
    with file.open("a") as torn:
        torn.write('{"kind": "asked", "id": "cut o')
    found = monitor()
    now, before = facts("monitor")["now"], facts("monitor")["before"]
    assert (now["questions"], now["answered"], now["abstained"], now["yes"], now["no"]) == (12, 8, 4, 8, 4)
    assert (now["median_seconds"], now["slow_seconds"], now["prompt_tokens"]) == (2.0, 2.0, 12 * 450)
    assert (before["questions"], before["withheld"]) == (2, 2)
    assert "1 line cannot be read" in found.out
    assert "answered +0.67" in found.out
    days = [(datetime.now(UTC) - timedelta(days=days, seconds=-1)).date().isoformat() for days in (2, 1)]
    assert [each for each in found.out.split() if each in days] == days
    records(1)  # what was cut off stays a line of its own
    monitor()
    assert facts("monitor")["now"]["questions"] == 13


@pytest.mark.parametrize(
    ("trouble", "words", "gate"),
    [
        ({"outcome": "failed"}, [], "The share of questions that failed is 0.33, required: at most 0.05"),
        ({"outcome": "withheld"}, [], "The share of withheld answers is 0.33"),
        ({"seconds": 99.0}, [], "The time that one question in twenty exceeds, in seconds, is 99.00"),
        ({"tokens": 9000}, ["--most-tokens", "600"], "The number of tokens of a question is"),
        ({"outcome": "not in the sources"}, ["--least-answered", "0.9"], "The share of questions with an answer is 0.67"),
        ({"useful": False}, ["--least-questions", "5"], "The share of yes is 0.00"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_each_kind_of_trouble_meets_its_gate(monitor, records, trouble, words, gate):
    records(20, days=2)
    records(10, **trouble)
    assert gate in monitor(*words, code=1).err


def test_too_few_questions_judge_nothing_and_none_are_said_to_be_missing(monitor, records):
    assert "There are no records of" in monitor(code=1).err
    records(9, outcome="failed")
    assert "too few questions to judge: 9 of 10" in monitor().out


def test_a_record_is_one_line_of_json(records):
    (line,) = records(1).read_text().splitlines()
    assert json.loads(line)["outcome"] == "answered"
