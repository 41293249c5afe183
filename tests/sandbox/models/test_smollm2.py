"""SmolLM2: how it is found, and, where `make generator` has installed it, what it answers through the model server."""

from __future__ import annotations

import openai
import pytest

from sandbox import faults, process
from sandbox.announced import SandboxError
from sandbox.model_server.chat import GENERATOR
from sandbox.model_server.options import ModelServerOptions
from sandbox.model_server.service import MODEL_SERVER
from sandbox.models import smollm2
from tests.supply_chain.locks import ROOT, pins

FRANCE = [
    {"role": "system", "content": "Answer in one sentence."},
    {"role": "user", "content": "What is the capital of France?"},
]


def test_without_its_files_the_option_is_refused_with_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(smollm2, "FOLDER", tmp_path)
    with pytest.raises(SandboxError, match="`make generator`") as refused:
        MODEL_SERVER.check(ModelServerOptions(generator="smollm2"))
    assert smollm2.INSTALL in str(refused.value)
    MODEL_SERVER.check(ModelServerOptions())


def test_the_command_that_installs_it_has_the_versions_of_the_lock():
    locked = pins(ROOT / "locks" / "generator.lock")
    assert {f"{pin.name}=={pin.version}" for pin in locked} == set(smollm2.INSTALL.split()[-2:])


def test_other_weights_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(smollm2, "FOLDER", tmp_path)
    (tmp_path / "xllamacpp").mkdir()
    weights = tmp_path / smollm2.WEIGHTS
    weights.parent.mkdir()
    weights.write_bytes(b"GGUF")
    with pytest.raises(smollm2.ModelMissing, match="another file than expected"):
        smollm2.start()


@pytest.mark.parametrize("tokens", [1000, 8448, 0])
def test_a_context_that_the_model_does_not_have_is_refused(tokens):
    with pytest.raises(ValueError, match="must be"):
        ModelServerOptions(generator="smollm2", context_tokens=tokens)


@pytest.mark.slow
@pytest.mark.skipif(not (smollm2.FOLDER / smollm2.WEIGHTS).exists(), reason="`make generator` was not run")
def test_it_answers_beside_the_stand_in_and_the_same_each_time(tmp_path):
    with process.running(tmp_path, ModelServerOptions(generator="smollm2", context_tokens=1024)) as known:
        assert known["OPENAI_CHAT_MODEL"] == GENERATOR
        client = openai.OpenAI(
            base_url=known["OPENAI_BASE_URL"], api_key=known["OPENAI_API_KEY"], max_retries=0
        )

        def ask(messages=FRANCE, model=GENERATOR, max_tokens=20, **options):
            return client.chat.completions.create(
                model=model, messages=messages, max_tokens=max_tokens, **options
            )

        first, second = ask(), ask(temperature=0, seed=3)
        assert "Paris" in first.choices[0].message.content
        assert first.choices[0].message == second.choices[0].message
        assert first.choices[0].finish_reason == "stop"
        assert first.usage.prompt_tokens == 26
        cut = ask(max_tokens=3)
        assert (cut.choices[0].finish_reason, cut.usage.completion_tokens) == ("length", 3)
        assert "Paris" not in ask(stop=["Paris"]).choices[0].message.content
        with pytest.raises(openai.BadRequestError) as refused:
            ask([{"role": "user", "content": "word " * 2000}])
        assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "messages")
        faults.add(tmp_path, "CreateChatCompletion", "empty")
        assert ask(max_tokens=1).choices[0].message.content is None
        root = client.with_options(base_url=known["OPENAI_BASE_URL"].removesuffix("/v1"))
        invoked = root.post(
            f"/serving-endpoints/{GENERATOR}/invocations", body={"messages": FRANCE}, cast_to=object
        )
        assert "Paris" in str(invoked)
        assert "not a language model" in ask(model="extractive-stand-in").choices[0].message.content
