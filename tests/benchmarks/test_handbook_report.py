"""The page about the handbook's answers: made from outcomes, and as it is committed."""

from __future__ import annotations

from typing import get_args

import pytest

from benchmarks.handbook import DATA, PAGE
from benchmarks.handbook_generator import Answered
from benchmarks.handbook_report import ABSENT, WAYS, Measured, page
from flows.answers.options import HolderName
from tasks.answers.answering import Answer
from tasks.answers.chunks import Chunk
from tasks.answers.citations import checked
from tasks.answers.evaluation.outcomes import Outcome
from tasks.answers.evaluation.questions import Question, Quote, read_questions
from tasks.answers.passages import Passage
from tasks.models.usage import Usage

TEXT = "An import takes half an hour."
CHUNK = Chunk(
    id="import", document="a.md", title="Imports", heading="", start=0, end=len(TEXT), page=None, text=TEXT, readers=()
)  # fmt: skip
ASKED = Question(
    id="q1", question="How long does an import take?", answers=("half an hour",), quotes=(Quote(document="a.md", quote=TEXT),), kind="plain"
)  # fmt: skip
UNANSWERABLE = Question(id="q2", question="Who wrote the import?", kind="unanswerable")


def outcome(question, said, *, ranking):
    answer = Answer(
        checked=checked(said, question.question, [Passage((CHUNK,), TEXT, 1.0)]), passages=(Passage((CHUNK,), TEXT, 1.0),), left_out=0,
        model="stand-in", usage=Usage(10, 5), seconds=0.1, prompt_hash="0",
    )  # fmt: skip
    relevant = (frozenset({"import"}),) if question.quotes else ()
    return Outcome(question=question, relevant=relevant, ranking=ranking, answer=answer, search_seconds=0.1)


def measured(engine, how, *, ranking=("import",), said=f'"{TEXT}" [1]'):
    outcomes = [
        outcome(ASKED, said, ranking=ranking),
        outcome(UNANSWERABLE, "NOT IN THE SOURCES", ranking=ranking),
    ]
    return Measured(engine=engine, how=how, outcomes=outcomes)


def row(text, name):
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


def test_a_way_that_an_engine_does_not_have_is_a_dash_with_its_reason():
    text = page([measured("elastic", "dense"), measured("vertex", "dense")], setting="")
    assert row(text, "Vertex AI, sparse") == "| Vertex AI, sparse | - | - | - | - |"
    assert f"- Vertex AI, sparse: {ABSENT['vertex', 'sparse']}." in text
    assert "- Elasticsearch, hybrid: not measured." in text
    assert "Databricks" not in text


def test_what_a_way_is_short_of_hybrid_is_a_difference_of_the_same_questions():
    text = page(
        [
            measured("elastic", "dense", ranking=("other", "import")),
            measured("elastic", "hybrid", ranking=("import",)),
        ],
        setting="",
    )
    # One of two at the second rank: 1 - 1 / log2(3).
    assert "| Elasticsearch, dense | +0.37 (+0.37 to +0.37) |" in text


def test_a_question_that_fails_in_every_row_is_listed_with_what_came_of_it():
    fails = [measured("elastic", how, said="NOT IN THE SOURCES") for how in ("dense", "text")]
    text = page(fails, setting="")
    assert "- Questions that fail in every row: 1." in text
    assert f"  - {ASKED.question} (abstained)" in text
    assert f"  - {ASKED.question}" not in page([*fails, measured("vertex", "dense")], setting="")


def test_a_language_model_is_a_row_beside_the_stand_in_with_what_is_withheld():
    quoting = Answered(name="quoting stand-in", outcomes=measured("elastic", "hybrid").outcomes)
    says_it = measured("elastic", "hybrid", said="It takes half an hour.").outcomes  # without a citation
    text = page(
        [measured("elastic", "hybrid")],
        [quoting, Answered(name="SmolLM2, 1 passage", outcomes=says_it)],
        setting="",
    )
    right, *_, withheld, said, obeyed, tokens, seconds = row(text, "SmolLM2, 1 passage").split(" | ")[1:]
    assert (right, withheld) == ("0.00 (0.00 to 0.00)", "0.50 (0.00 to 1.00)")
    assert (said, obeyed, tokens, seconds) == ("1.00 (1.00 to 1.00)", "0", "10 + 5", "0.1 to 0.1 |")
    assert (
        "- SmolLM2, 1 passage: 1 of 2 answers are withheld, 0 because they were cut off or empty and 1 because"
        in text
    )
    assert "A real language model" not in page([measured("elastic", "hybrid")], setting="")


@pytest.mark.parametrize("engine", get_args(HolderName))
def test_the_committed_page_has_every_way_of_every_engine_or_says_why_not(engine):
    text = PAGE.read_text(encoding="utf-8")
    name = {"elastic": "Elasticsearch", "vertex": "Vertex AI", "databricks": "Databricks"}[engine]
    for how in WAYS:
        shown = row(text, f"{name}, {'words' if how == 'text' else how}")
        assert (" - |" in shown) == ((engine, how) in ABSENT)
        assert ABSENT.get((engine, how), "") in text


def test_the_committed_page_is_of_the_questions_that_there_are():
    questions = read_questions.fn(DATA / "handbook-questions.jsonl")
    assert f"{len(questions)} questions" in PAGE.read_text(encoding="utf-8")
    assert "not measured" not in PAGE.read_text(encoding="utf-8")
