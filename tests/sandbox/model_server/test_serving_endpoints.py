"""The routes of Databricks' model serving, through its official SDK and through OpenAI's client."""

from __future__ import annotations

import openai
import pytest
from databricks.sdk.core import ApiClient, Config
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole, ServingEndpointsAPI

from sandbox.model_server.chat import CHAT_MODEL
from sandbox.model_server.embeddings import EMBEDDING_MODEL
from tests.sandbox.model_server.conftest import INSTRUCTIONS, PASSAGES

QUESTION = f"{PASSAGES}\nQuestion: How long until the slot of a killed run frees itself?"
ANSWER = "The slot of a run killed with kill -9 frees itself within a minute."


@pytest.fixture(scope="module")
def serving(model_server):
    known = model_server.environment
    host = known["OPENAI_BASE_URL"].removesuffix("/v1")
    config = Config(host=host, token=known["OPENAI_API_KEY"], auth_type="pat", retry_timeout_seconds=1)
    return ServingEndpointsAPI(ApiClient(config))


def test_the_sdk_asks_a_model_by_the_name_of_its_endpoint(serving):
    messages = [
        ChatMessage(content=INSTRUCTIONS, role=ChatMessageRole.SYSTEM),
        ChatMessage(content=QUESTION, role=ChatMessageRole.USER),
    ]
    answer = serving.query(CHAT_MODEL, messages=messages, max_tokens=100)
    assert ANSWER in answer.choices[0].message.content
    assert answer.model == CHAT_MODEL
    assert answer.usage.total_tokens > 0


def test_the_sdk_embeds_as_the_compatible_routes_do(server, serving, client):
    (found,) = serving.query(EMBEDDING_MODEL, input=["query: a slot"]).data
    base_url = server.environment["OPENAI_BASE_URL"].removesuffix("/v1") + "/serving-endpoints"
    compatible = openai.OpenAI(base_url=base_url, api_key=client.api_key, max_retries=0)
    for asked in (client, compatible):
        (same,) = asked.embeddings.create(model=EMBEDDING_MODEL, input="query: a slot").data
        assert same.embedding == pytest.approx(found.embedding, abs=1e-6)


def test_an_endpoint_that_there_is_not_or_another_model_is_refused(server, serving, client):
    with pytest.raises(DatabricksError, match="databricks-gte-large-en"):
        serving.query("databricks-gte-large-en", input=["x"])
    path = f"/serving-endpoints/{EMBEDDING_MODEL}/invocations"
    invoked = client.with_options(base_url=server.environment["OPENAI_BASE_URL"].removesuffix("/v1"))
    with pytest.raises(openai.APIStatusError, match="model='other'"):
        invoked.post(path, body={"model": "other", "input": "x"}, cast_to=dict)
    with pytest.raises(openai.NotFoundError):
        invoked.post("/serving-endpoints/a/b/invocations", body={}, cast_to=dict)
