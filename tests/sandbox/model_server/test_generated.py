"""What the model server makes of a language model's answers and refusals, in one process and without the model."""

from __future__ import annotations

import pytest

from sandbox.model_server import chat
from sandbox.model_server.errors import Refusal
from sandbox.models.generation import ContextExceeded, Generated, GeneratorFailed

SAID = Generated(text="Paris, of course.", reason="length", prompt_tokens=26, completion_tokens=5)


def complete(said=SAID, *, wrong=None, **options):
    """The answer, and what the language model was asked."""
    asked = []

    def generate(messages, sampling):
        asked.append((messages, sampling))
        if isinstance(said, Exception):
            raise said
        return said

    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "The capital?"}]
    body = {"model": chat.GENERATOR, "messages": messages, **options}
    return chat.complete(body, context_tokens=1024, wrong=wrong, generate=generate), *asked[0]


def test_text_reason_and_tokens_are_the_models_own():
    answer, _, _ = complete()
    assert answer["choices"][0]["message"]["content"] == SAID.text
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"] == {"prompt_tokens": 26, "completion_tokens": 5, "total_tokens": 31}
    assert "SmolLM2" in answer["system_fingerprint"]


def test_it_is_asked_at_temperature_0_unless_a_request_says_otherwise():
    _, messages, sampling = complete(max_completion_tokens=7, stop="x")
    assert [each["role"] for each in messages] == ["system", "user"]
    assert (sampling.temperature, sampling.top_p, sampling.seed) == (0, 1, None)
    assert (sampling.most_tokens, sampling.stop) == (7, ("x",))
    _, _, sampling = complete(temperature=0.2, top_p=0.9, seed=4, stop=["x", "y"])
    assert (sampling.temperature, sampling.top_p, sampling.seed) == (0.2, 0.9, 4)
    assert (sampling.most_tokens, sampling.stop) == (None, ("x", "y"))


def test_it_goes_wrong_as_it_is_told_too():
    answer, _, _ = complete(wrong="empty")
    assert answer["choices"][0]["message"]["content"] is None


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ContextExceeded(found=2031, most=1024), 400, "context_length_exceeded"),
        (GeneratorFailed("llama.cpp does not answer"), 500, None),
    ],
)
def test_its_errors_are_spelled_as_openai_spells_them(error, status, code):
    with pytest.raises(Refusal) as refused:
        complete(error)
    assert (refused.value.status, refused.value.code) == (status, code)


@pytest.mark.parametrize(
    "option",
    [
        {"temperature": 3},
        {"temperature": "0"},
        {"top_p": -1},
        {"seed": 1.5},
        {"stop": ["a"] * 5},
        {"stop": 1},
    ],
)
def test_options_out_of_their_range_are_refused_by_name(option):
    with pytest.raises(Refusal) as refused:
        complete(**option)
    assert refused.value.param == next(iter(option))
