"""Models compared on the same questions: their names and prices, the table, and what cannot be compared."""

from __future__ import annotations

import pytest

from tasks.answers.answering import Answer
from tasks.answers.citations import checked
from tasks.answers.evaluation.comparison import Contender, by_measure, compared, in_words, paired
from tasks.answers.evaluation.models import refuse_repeated, with_model
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
    ours = Contender(models=SETTINGS, outcomes=[outcome(n, right) for n in range(4)])
    other = Contender(
        models=with_model(SETTINGS, "small=0.5/2"), outcomes=[outcome(n, wrong) for n in range(4)]
    )
    first, second = records = compared([ours, other], "model")
    assert first["measures"]["right"] == {"value": 1.0, "low": 1.0, "high": 1.0, "questions": 4}
    assert (first["difference"], second["difference"]["right"]["value"]) == ({}, -1.0)
    assert (second["model"], second["seconds"]["answer p50"], second["tokens"]["prompt"], second["cost"]) == (
        "small", 0.5, 4_000_000, 4 * (0.5 + 1.0),
    )  # fmt: skip
    rows = {row.pop("measure"): row for row in by_measure(records, "model", ())}
    assert rows["right"] == {"here": "1.00 (1.00 to 1.00)", "small": "0.00 (0.00 to 0.00)"}
    assert rows["right, difference from the first"] == {
        "here": "",
        "small": "-1.00 (-1.00 to -1.00), lower",
    }
    assert "nDCG@10" not in rows


def test_a_row_of_settings_says_how_they_differ_and_what_the_search_is_worth():
    ours, other = (
        Contender(models=SETTINGS, outcomes=[outcome(0, "A [1]")], setting=how, params={"how": how, "engine": "elastic"})
        for how in ("hybrid", "text")
    )  # fmt: skip
    records = compared([ours, other], "setting")
    rows = {row.pop("measure"): row for row in by_measure(records, "setting", ("engine", "how"))}
    assert rows["how"] == {"hybrid": "hybrid", "text": "text"}
    assert "engine" not in rows
    assert rows["nDCG@10"]["text"] == "1.00 (1.00 to 1.00)"
    assert rows["search p50, s"]["text"] == 0.1


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ([1.0] * 40, "+0.50 (+0.35 to +0.65), higher"),
        ([0.0] * 40, "-0.50 (-0.65 to -0.35), lower"),
        ([0.0, 1.0] * 20, "+0.00 (+0.00 to +0.00), no difference that these questions show"),
        ([1.0, 0.0] * 20, "+0.00 (-0.30 to +0.30), no difference that these questions show"),
    ],
)
def test_a_difference_is_one_where_the_interval_of_the_pairs_is_without_zero(after, said):
    before = {str(number): number % 2 for number in range(40)}
    found = paired(before, {str(number): value for number, value in enumerate(after)})
    assert in_words(found) == said


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
