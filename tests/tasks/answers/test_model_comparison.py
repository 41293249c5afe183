"""Models compared on the same questions: their names and prices, the table, and what cannot be compared."""

from __future__ import annotations

import pytest

from tasks.answers.answering import Answer
from tasks.answers.citations import checked
from tasks.answers.evaluation.models import Contender, by_measure, compared, refuse_repeated, with_model
from tasks.answers.evaluation.outcomes import Outcome
from tasks.answers.evaluation.questions import Question, Quote
from tasks.answers.passages import Passage
from tasks.errors import InvalidInput
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage
from tests.tasks.answers.test_answers import FACTS, chunk

SETTINGS = ModelSettings(base_url="http://127.0.0.1/v1", chat_model="here", prompt_price=1.0)
PASSAGE = Passage((chunk("one"),), FACTS, 1.0)


def outcome(number, said):
    question = Question(
        id=str(number), question="When is the slot free?", answers=("within a minute",),
        quotes=(Quote(document="a.md", quote="within a minute"),),
    )  # fmt: skip
    answer = Answer(
        checked=checked(said, question.question, [PASSAGE]), passages=(PASSAGE,), left_out=0, model="m",
        usage=Usage(1_000_000, 500_000), seconds=0.5, prompt_hash="0",
    )  # fmt: skip
    return Outcome(
        question=question,
        relevant=(frozenset({"one"}),),
        ranking=("one",),
        answer=answer,
        search_seconds=0.1,
    )


def test_a_row_has_quality_the_paired_difference_seconds_tokens_and_cost():
    right, wrong = "It frees itself “within a minute” [1]", "Twins keep the oldest [1]"
    ours = Contender(settings=SETTINGS, outcomes=[outcome(n, right) for n in range(4)])
    other = Contender(
        settings=with_model(SETTINGS, "small=0.5/2"), outcomes=[outcome(n, wrong) for n in range(4)]
    )
    first, second = compared([ours, other])
    assert (first["right"], first["right, more than the first"]) == ("1.00 (1.00 to 1.00)", "")
    assert second["right, more than the first"] == "-1.00 (-1.00 to -1.00)"
    assert (second["model"], second["s p50"], second["prompt tokens"], second["cost"]) == (
        "small", 0.5, 4_000_000, 4 * (0.5 + 1.0),
    )  # fmt: skip
    assert by_measure([first, second])[0] == {
        "measure": "right",
        "here": first["right"],
        "small": second["right"],
    }


@pytest.mark.parametrize(
    ("given", "name", "prices"),
    [
        ("llama3:8b", "llama3:8b", (1.0, 0.0)),
        ("a/b=0.15/0.60", "a/b", (0.15, 0.6)),
        ("a=b=1/2", "a=b", (1.0, 2.0)),
    ],
)
def test_a_model_has_the_prices_of_the_settings_or_its_own(given, name, prices):
    found = with_model(SETTINGS, given)
    assert (found.chat(), (found.prompt_price, found.completion_price)) == (name, prices)


@pytest.mark.parametrize("given", ["", "=1/2", "a=1", "a=1/b", "a=-1/2", "a=nan/1", "a=1/2/3"])
def test_what_is_no_model_with_prices_is_refused_with_the_form(given):
    with pytest.raises(InvalidInput, match="NAME=PROMPT/ANSWER"):
        with_model(SETTINGS, given)


def test_a_model_that_is_named_twice_is_refused():
    with pytest.raises(InvalidInput, match="named twice: 'here'"):
        refuse_repeated([SETTINGS, SETTINGS])
