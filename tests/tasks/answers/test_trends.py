"""What is kept of questions, what it says over time, and the limit that each kind of trouble meets."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.answers.records import Asked, Judged, NoRecords, append, hash_of, read_records
from tasks.answers.trends import Limits, by_day, period, repeated, verify_period
from tasks.errors import GateNotMet
from tasks.files import CannotWrite

END = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
LIMITS = Limits(
    least_questions=10, least_answered=0.5, most_withheld=0.1, most_failed=0.05, most_seconds=30, least_useful=0.5, most_tokens=None,
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "private" / "handbook.jsonl"


@pytest.fixture
def write(file):
    """Writes records of questions: `write(10, days=1, useful=True, outcome="failed")`."""

    def records(number, *, days=1.0, useful=None, outcome="answered", seconds=1.0, tokens=500):
        for n in range(number):
            asked = Asked(
                id=f"{outcome}-{days}-{n}-{seconds}-{tokens}-{useful}", at=END - timedelta(days=days), question="same", outcome=outcome,
                search_seconds=seconds / 4, answer_seconds=3 * seconds / 4, prompt_tokens=tokens - 50, answer_tokens=50,
            )  # fmt: skip
            append(file, asked)
            if useful is not None:
                append(file, Judged(id=asked.id, useful=not useful))
                append(file, Judged(id=asked.id, useful=useful))

    return records


def read(file, begin=END - WEEK):
    return read_records.fn(file, "handbook", begin)


def test_a_record_is_one_line_that_only_its_owner_reads(write, file):
    write(2)
    assert [json.loads(line)["outcome"] for line in file.read_text().splitlines()] == ["answered"] * 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.chmod(0o644)
    write(1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_hash_tells_equal_questions_and_nothing_without_the_key():
    assert hash_of("How long?", "key") == hash_of("  how  LONG? ", "key")
    assert hash_of("How long?", "key") != hash_of("How far?", "key")
    assert hash_of("How long?", "key") != hash_of("How long?", "other")


def test_what_a_crash_cut_off_is_counted_and_spoils_no_other_line(write, file):
    write(1)
    with file.open("a") as torn:
        torn.write('{"kind": "asked", "id": "cut o')
    write(1, days=2)
    found = read(file)
    assert (len(found.asked), found.unreadable) == (2, 1)


def test_a_folder_that_cannot_be_made_is_said_and_no_records_are_missing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        append(tmp_path / "file" / "records", Judged(id="1", useful=True))
    with pytest.raises(NoRecords, match="answers serve --name handbook"):
        read(tmp_path / "nothing")


def test_a_period_counts_what_happened_in_it_and_the_last_judgement(write, file):
    write(30, days=40, outcome="failed")
    write(8, useful=True, seconds=2.0)
    write(4, days=2, outcome="not in the sources", useful=False, tokens=200)
    found = read(file)
    now = period(found, END - WEEK, END)
    assert (now.questions, now.answered, now.abstained, now.withheld, now.failed) == (12, 8, 4, 0, 0)
    assert (now.yes, now.no, now.useful) == (8, 4, pytest.approx(2 / 3))
    assert (now.median_seconds, now.slow_seconds, now.tokens) == (2.0, 2.0, 400.0)
    assert repeated(found.asked) == 11
    days = by_day(found, END - WEEK, END)
    assert {day: each.questions for day, each in days.items()} == {date(2026, 3, 8): 4, date(2026, 3, 9): 8}
    assert str(period(found, END, END + WEEK)) == "no questions"


def test_the_day_that_a_period_begins_in_counts_from_its_hour(write, file):
    write(1, days=7.0)
    write(1, days=6.9)
    write(1, days=7.1)
    days = by_day(read(file), END - WEEK, END)
    assert {day: each.questions for day, each in days.items()} == {date(2026, 3, 3): 2}


@pytest.mark.parametrize(
    ("trouble", "limits", "told"),
    [
        ({"outcome": "failed"}, {}, "The share of questions that failed is 0.33, required: at most 0.05"),
        ({"outcome": "withheld"}, {}, "The share of withheld answers is 0.33"),
        ({"seconds": 99.0}, {}, "one question in twenty exceeds, in seconds, is 99.00, required: at most 30"),
        ({"tokens": 9000}, {"most_tokens": 600}, "The number of tokens of a question is 3333.33"),
        ({"outcome": "not in the sources"}, {"least_answered": 0.9}, "questions with an answer is 0.67"),
        ({"useful": False}, {}, "The share of yes is 0.00, required: at least 0.5"),
    ],
    ids=["failed", "withheld", "slow", "tokens", "abstained", "no"],
)
def test_each_kind_of_trouble_meets_its_limit(write, file, trouble, limits, told):
    write(20, days=2)
    assert "all met" in verify_period.fn(period(read(file), END - WEEK, END), replace(LIMITS, **limits))
    write(10, **trouble)
    with pytest.raises(GateNotMet, match=told):
        verify_period.fn(period(read(file), END - WEEK, END), replace(LIMITS, **limits))


def test_a_few_questions_judge_nothing(write, file):
    write(9, outcome="failed")
    assert (
        verify_period.fn(period(read(file), END - WEEK, END), LIMITS) == "too few questions to judge: 9 of 10"
    )
