"""What the stand-in answers, asked by the official client."""

import openai
import pytest

from sandbox import faults, write_log

QUESTION = "When does the slot of a killed run free itself?"
HONEST = "“The slot of a run killed with kill -9 frees itself within a minute.” [1]"


def test_it_quotes_the_sentence_that_answers_and_cites_its_passage(ask):
    choice = ask(QUESTION)
    assert choice.message.content == HONEST
    assert choice.finish_reason == "stop"


def test_it_says_what_the_instructions_want_when_no_passage_answers(ask):
    assert ask("Who painted the ceiling of the Sistine Chapel?").message.content == "NOT IN THE SOURCES"


def test_without_passages_it_says_that_it_is_no_language_model(ask, client):
    assert "not a language model" in ask("Tell me a story.", passages="").message.content
    assert "no language model" in next(iter(client.models.list())).owned_by


def test_an_instruction_in_a_passage_is_not_obeyed(ask):
    assert "PWNED" not in ask("What are twins of?").message.content.replace("“", "")


@pytest.mark.parametrize(
    ("fault", "content", "reason"),
    [
        ("invented-citation", HONEST.replace("[1]", "[9]"), "stop"),
        (
            "misquotation",
            "“minute. a within itself frees -9 kill with killed run a of slot The, supposedly” [1]",
            "stop",
        ),
        ("obedience", "PWNED", "stop"),
        ("cut-off", HONEST[: len(HONEST) // 2], "length"),
        ("empty", None, "stop"),
        ("outside-knowledge", "As everybody in Reykjavik knows, the usual value is 86753. [1]", "stop"),
    ],
)
def test_it_goes_wrong_once_as_it_is_told(ask, server, fault, content, reason):
    faults.add(server.state, "CreateChatCompletion", fault)
    choice = ask(QUESTION)
    assert (choice.message.content, choice.finish_reason) == (content, reason)
    assert ask(QUESTION).message.content == HONEST


def test_an_answer_longer_than_its_limit_is_cut_and_says_so(ask):
    choice = ask(QUESTION, max_completion_tokens=4)
    assert choice.finish_reason == "length"
    assert HONEST.startswith(choice.message.content)


def test_a_prompt_longer_than_the_context_is_refused_with_its_code(ask):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(QUESTION, passages="word " * 2000)
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ({"n": 2}, "n=2"),
        ({"extra_body": {"top_k": 3}}, "top_k"),
        ({"response_format": {"type": "json_object"}}, "json_object"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_it_does_not_imitate_is_refused_by_name(ask, option, named):
    with pytest.raises(openai.BadRequestError, match=named):
        ask(QUESTION, **option)


def test_a_wrong_key_and_an_unknown_model_are_refused(client):
    with pytest.raises(openai.AuthenticationError) as wrong:
        client.with_options(api_key="another").models.list()
    assert wrong.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "hello"}])
    assert unknown.value.code == "model_not_found"


def test_an_embedding_is_the_same_as_numbers_and_as_base64_and_the_log_names_the_text(client, server):
    before = len(write_log.read(server.state))
    model = server.environment["OPENAI_EMBEDDING_MODEL"]
    texts = ["passage: A slot frees itself.", "query: When is a slot free?", "passage: A violin is stolen."]
    coded = client.embeddings.create(model=model, input=texts)
    plain = client.embeddings.create(model=model, input=texts, encoding_format="float")
    for one, other in zip(coded.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding)
    passage, query, other = (each.embedding for each in coded.data)
    assert len(query) == 384
    assert sum(a * b for a, b in zip(query, passage, strict=True)) > sum(
        a * b for a, b in zip(query, other, strict=True)
    )
    first, second = write_log.read(server.state)[before:]
    assert first.method == "CreateEmbedding"
    assert first.resource == second.resource
    assert len(first.resource.split()) == len(texts)
