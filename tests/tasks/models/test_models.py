"""Models asked through the official client: what is usable is returned, everything else is an error of the right kind."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell
from tasks.errors import DeadlinePassed, InvalidInput
from tasks.models import clients
from tasks.models.chat import Message, UnusableCompletion, complete
from tasks.models.embeddings import embed_texts, wait_for_dimensions
from tasks.models.errors import ContextExceeded, NotAModelServer, QuotaExhausted
from tasks.models.settings import ModelSettings, model_settings
from tasks.models.usage import Usage
from tasks.waiting import Deadline

PROMPT = [
    Message("system", "Answer from the passages, or reply exactly: NO"),
    Message("user", '<p n="1">A slot frees itself within a minute.</p>\nQuestion: When is a slot free?'),
]


def test_a_completion_comes_with_its_usage(server_with):
    found = complete(server_with().settings, PROMPT)
    assert found.text == "“A slot frees itself within a minute.” [1]"
    assert found.usage.prompt > found.usage.completion > 5
    assert Usage(2_000_000, 1_000_000).cost(
        ModelSettings(base_url="http://127.0.0.1", prompt_price=0.5, completion_price=4)
    ) == pytest.approx(5)


@pytest.mark.parametrize("shape", ["openai", "vllm", "databricks"])
@pytest.mark.parametrize(
    ("fault", "raised"),
    [("unavailable", ServiceUnwell), ("throttled", ServiceUnwell), ("reset", ServiceUnwell)],
)
def test_what_may_succeed_later_is_transient_and_was_asked_once(server_with, shape, fault, raised):
    server = server_with(error_shape=shape)
    before = server.struck
    server.fault("CreateChatCompletion", fault, times=3)
    with pytest.raises(raised):
        complete(server.settings, PROMPT)
    assert server.struck == before + 1


def test_a_model_that_is_starting_is_waited_for_and_no_other_failure_is(server_with):
    server = server_with(error_shape="databricks")
    before = server.struck
    server.fault("CreateEmbedding", "unavailable", times=3)
    assert wait_for_dimensions.fn(server.settings, Deadline.after(minutes=1)) == 384
    assert server.struck == before + 3
    server.fault("CreateEmbedding", "unavailable", times=100)
    with pytest.raises(DeadlinePassed, match="503, starting"):
        wait_for_dimensions.fn(server.settings, Deadline.after(seconds=0.2))
    nobody = ModelSettings(base_url="http://127.0.0.1:9", embedding_model="x")
    with pytest.raises(ServiceUnwell, match="Is it running"):
        wait_for_dimensions.fn(nobody, Deadline.after(minutes=1))


@pytest.mark.parametrize(("shape", "raised"), [("openai", QuotaExhausted), ("vllm", QuotaExhausted)])
def test_a_429_for_want_of_quota_is_permanent(server_with, shape, raised):
    server = server_with(error_shape=shape)
    server.fault("CreateEmbedding", "quota")
    with pytest.raises(raised, match="no quota left"):
        embed_texts(server.settings, ["a text"], "passage")


@pytest.mark.parametrize(
    ("fault", "said"), [("cut-off", "cut off at the limit"), ("empty", "it has no text")]
)
def test_an_answer_that_is_not_whole_is_an_error(server_with, fault, said):
    server = server_with()
    server.fault("CreateChatCompletion", fault)
    with pytest.raises(UnusableCompletion, match=said) as unusable:
        complete(server.settings, PROMPT)
    assert unusable.value.usage.prompt > 0  # it is paid for all the same


@pytest.mark.parametrize(("shape", "raised"), [("openai", ContextExceeded), ("databricks", ServiceRefused)])
def test_a_prompt_beyond_the_context_is_named_where_the_server_names_it(server_with, shape, raised):
    server = server_with(error_shape=shape, context_tokens=300)
    with pytest.raises(raised):
        complete(server.settings, [Message("user", "word " * 2000)])


@pytest.mark.parametrize("shape", ["openai", "vllm", "databricks"])
def test_an_unknown_model_and_a_wrong_key_are_permanent(server_with, shape):
    settings = server_with(error_shape=shape).settings
    with pytest.raises(NotFound, match=r"404.*gpt-9"):
        complete(settings.model_copy(update={"chat_model": "gpt-9"}), PROMPT)
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY") as refused:
        complete(settings.model_copy(update={"api_key": SecretStr("sk-secret-of-ours")}), PROMPT)
    assert "sk-secret-of-ours" not in str(refused.value)


def test_a_model_that_does_not_answer_in_time_is_transient(server_with, monkeypatch):
    server = server_with()
    monkeypatch.setattr(clients, "CALL_SECONDS", 0.3)
    clients.connect.cache_clear()
    server.fault("CreateChatCompletion", "stall")
    with pytest.raises(ServiceUnwell, match="no answer in time"):
        complete(server.settings, PROMPT)
    clients.connect.cache_clear()


def test_an_address_without_models_is_named(server_with):
    settings = server_with().settings
    nowhere = settings.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(ServiceUnwell, match="OPENAI_BASE_URL"):
        complete(nowhere, PROMPT)
    elsewhere = settings.model_copy(update={"base_url": settings.base_url.replace("/v1", "/v2")})
    with pytest.raises(NotFound):
        complete(elsewhere, PROMPT)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OPENAI_BASE_URL", "http://me:hush-hush@host/v1", "without a name and a password"),
        ("OPENAI_BASE_URL", "sk-0123456789", "which begins with https"),
        ("OPENAI_API_KEY", "two words", "without blanks"),
        ("OPENAI_CONTEXT_TOKENS", "12", "greater than or equal to 256"),
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(monkeypatch, tmp_path, name, value, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1/v1")
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name) as refused:
        model_settings("elastic")
    assert said in str(refused.value)
    assert value not in str(refused.value)


def test_a_model_that_is_not_named_is_asked_for():
    with pytest.raises(InvalidInput, match="OPENAI_CHAT_MODEL"):
        complete(ModelSettings(base_url="http://127.0.0.1/v1"), PROMPT)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([[1.0, 2.0]], "1 vector for 2 texts"),
        ([[1.0, 2.0], [1.0]], "vectors of 1, 2 numbers"),
        ([[1.0, float("nan")], [1.0, 2.0]], "not finite"),
        ([[], []], "vectors of 0 numbers"),
    ],
)
def test_vectors_that_cannot_be_stored_are_refused(monkeypatch, data, said):
    """The stand-in never answers like this; other servers do."""

    class Answer:
        def __init__(self):
            self.data = [
                type("Row", (), {"index": index, "embedding": row}) for index, row in enumerate(data)
            ]

    class Client:
        class embeddings:  # noqa: N801 -- the client's own name
            create = staticmethod(lambda **_: Answer())

    monkeypatch.setattr("tasks.models.embeddings.connect", lambda _: Client)
    settings = ModelSettings(base_url="http://127.0.0.1/v1", embedding_model="any")
    with pytest.raises(NotAModelServer, match=said):
        embed_texts(settings, ["one", "two"], "passage")


def test_another_prefix_of_passages_is_another_embedder_and_another_one_of_questions_is_not():
    plain = ModelSettings(base_url="http://127.0.0.1/v1", embedding_model="e5")
    assert plain.embedder() == "e5"
    assert plain.model_copy(update={"query_prefix": "query: "}).embedder() == "e5"
    assert plain.model_copy(update={"passage_prefix": "passage: "}).embedder() == "e5 after 'passage: '"
