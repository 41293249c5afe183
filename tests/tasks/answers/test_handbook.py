"""The handbook and its questions, as they come with the stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.evaluation.questions import read_questions, relevant
from tasks.answers.evaluation.scores import contains

DATA = Path(__file__).parents[3] / "sandbox" / "data"


@pytest.fixture(scope="module")
def questions():
    return read_questions.fn(DATA / "handbook-questions.jsonl")


@pytest.mark.parametrize("size", [300, 1000, 2000])
def test_every_quote_is_in_a_passage_however_documents_are_cut(questions, size):
    chunks = read_chunks.fn(DATA / "handbook", Splitting(size=size)).chunks
    found = relevant(questions, chunks)
    assert all(all(quotes) for quotes in found.values())


def test_every_known_answer_is_in_its_quote(questions):
    for question in questions:
        for answer in question.answers:
            assert contains(" ".join(quote.quote for quote in question.quotes), [answer]), question.id


def test_there_are_questions_that_have_no_answer_and_some_that_are_planted(questions):
    kinds = {question.kind for question in questions}
    assert kinds >= {"plain", "reworded", "rights", "planted", "unanswerable"}
    assert len(questions) >= 60
    assert sum(not question.is_answerable for question in questions) >= 10
