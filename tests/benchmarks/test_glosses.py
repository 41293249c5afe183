"""Mechanical questions: each has one answer, in one passage."""

from __future__ import annotations

import pytest

from benchmarks.glosses import FILE, definition, page, questions, rows
from tests.benchmarks.test_handbook_report import measured


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'unable: (usually followed by `to\') not having the skill; "unable to go"; "unable to see"',
            "not having the skill",
        ),
        (
            'CE: of the Christian era; preferred by some; "in 200 CE"',
            "of the Christian era; preferred by some",
        ),
        ("a: b: c", "b: c"),
    ],
)
def test_a_definition_is_the_gloss_without_word_remarks_and_examples(text, said):
    assert definition(text) == said


def test_every_question_has_one_passage_and_the_sample_is_the_same_each_time():
    documents = rows(300)
    asked = questions(documents, 50)
    assert asked == questions(documents, 50)
    assert len({one.question for one in asked}) == len(asked) == 50
    texts = {f"{FILE}#{one['id']}": one["text"] for one in documents}
    for one in asked:
        assert texts[one.quotes[0].document] == one.quotes[0].quote
        assert one.quotes[0].quote.startswith(f"{one.answers[0]}: ")


def test_the_page_has_a_row_for_every_engine_and_way():
    text = page([measured("elastic", "dense"), measured("databricks", "dense")], passages=1000)
    assert "2 mechanical questions over 1,000 passages" in text
    assert text.count("| Databricks, dense |") == 2
