"""What has changed since an earlier evaluation: paired where the questions are the same, said aloud where they are not."""

from __future__ import annotations

import json

import pytest

from flows.answers.earlier import read_earlier
from tasks.answers.evaluation.intervals import Mean
from tasks.errors import InvalidInput

NOW = {str(number): 1.0 for number in range(8)}


@pytest.fixture
def change(tmp_path):
    """What is said of a measure that is 1 for every question, after a report with these facts."""

    def of(questions="same", name="right", **measure):
        file = tmp_path / "report.json"
        file.write_text(
            json.dumps({"facts": {"questions": questions, "measures": {"right": {"value": 0.5, **measure}}}})
        )
        return read_earlier(str(file)).change(name, Mean(1.0, 1.0, 1.0, 8), NOW, "same")

    return of


def test_of_the_same_questions_it_is_a_paired_difference(change):
    before = {id_: float(int(id_) % 2) for id_ in NOW}
    assert change(by_question=before).startswith(
        "before 0.500, change +0.500, question by question +0.50 (+0."
    )
    assert change(by_question=before).endswith("higher")


def test_of_other_questions_or_an_older_report_it_says_so(change):
    assert change("others", by_question=NOW) == "before 0.500, change +0.500, of other questions"
    assert change("") == "before 0.500, change +0.500, of other questions"
    assert change() == "before 0.500, change +0.500"
    assert change(name="abstention") == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"facts": {"measures": {"right": {"value": "much"}}}}'])
def test_what_is_no_report_is_refused_with_what_is(tmp_path, text):
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match="not the report of an evaluation"):
        read_earlier(str(file))
    assert read_earlier(None) is None
