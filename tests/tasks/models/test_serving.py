"""Models that take time to start: endpoints of Databricks waited for, calls that wait, and starts that fail."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox import faults
from sandbox.model_server.options import ModelServerOptions
from sandbox.model_server.server import ModelServer
from sandbox.models.serving import ModelStart
from sandbox.ports import bound
from tasks.calls import NotFound, ServiceUnwell
from tasks.errors import DeadlinePassed
from tasks.models.chat import Message, complete
from tasks.models.embeddings import embed_texts, wait_for_dimensions
from tasks.models.serving import (
    ServingFailed,
    read_serving_state,
    serving_state,
    wait_for_model,
    when_started,
)
from tasks.models.settings import ModelSettings
from tasks.waiting import Deadline

EMBEDDING, CHAT = "multilingual-e5-small", "extractive-stand-in"
PROMPT = [Message("user", '<p n="1">A slot is free.</p>\nQuestion: Is a slot free?')]


@pytest.fixture
def serving(tmp_path):
    """A model server in this process: `serving(seconds=0.3, fails=True)`; returns the settings of Databricks' routes."""
    running = []

    def of(routes="/serving-endpoints", **start):
        listener = bound()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = ModelServerOptions(error_shape="databricks", start=ModelStart(**start))
        server = ModelServer(
            tmp_path, options, listener, "", lambda texts, _: np.ones((len(texts), 3), np.float32), None
        )
        server.start()
        running.append(server)
        return ModelSettings(base_url=address + routes, embedding_model=EMBEDDING, chat_model=CHAT)

    yield of
    for server in running:
        server.stop()


def test_an_endpoint_is_waited_for_until_it_is_ready_and_what_it_does_meanwhile_is_shown(serving, caplog):
    settings = serving(seconds=0.3)
    caplog.set_level("INFO")
    assert (
        str(read_serving_state(settings, EMBEDDING))
        == "NOT_READY, update IN_PROGRESS, DEPLOYMENT_CREATING, Loading the weights of the model"
    )
    with pytest.raises(DeadlinePassed, match="NOT_READY, update IN_PROGRESS"):
        wait_for_model.fn(settings, EMBEDDING, Deadline.after(seconds=0.01))
    assert wait_for_model.fn(settings, EMBEDDING, Deadline.after(minutes=1)) == "READY"
    assert wait_for_dimensions.fn(settings, Deadline.after(minutes=1)) == 3


def test_a_call_waits_while_the_model_starts_and_its_error_has_the_state(serving):
    settings = serving(seconds=0.3)
    with pytest.raises(ServiceUnwell, match=rf"endpoint {CHAT}: NOT_READY, update IN_PROGRESS"):
        complete(settings, PROMPT)
    found = when_started(CHAT, lambda: complete(settings, PROMPT), Deadline.after(minutes=1))
    assert "A slot is free" in found.text


def test_a_ready_endpoint_whose_model_was_scaled_to_zero_is_waited_for_too(serving, tmp_path):
    settings = serving()
    faults.add(tmp_path, "CreateEmbedding", "unavailable", "before", times=2)
    assert wait_for_model.fn(settings, EMBEDDING, Deadline.after(minutes=1)) == "READY"
    found = when_started(EMBEDDING, lambda: embed_texts(settings, ["a"], "query"), Deadline.after(seconds=20))
    assert found.vectors.shape == (1, 3)


def test_an_endpoint_that_failed_is_refused_with_its_state_and_not_waited_for(serving):
    settings = serving(fails=True)
    for call in (
        lambda: wait_for_model.fn(settings, EMBEDDING, Deadline.after(minutes=5)),
        lambda: wait_for_dimensions.fn(settings, Deadline.after(minutes=5)),
        lambda: embed_texts(settings, ["a"], "passage"),
        lambda: complete(settings, PROMPT),
    ):
        with pytest.raises(ServingFailed, match="NOT_READY, update UPDATE_FAILED, DEPLOYMENT_FAILED"):
            call()


def test_an_endpoint_that_there_is_not_is_named_and_other_servers_have_no_endpoints(serving):
    with pytest.raises(NotFound, match=r"model serving endpoint gpt-9.*404"):
        wait_for_model.fn(serving(), "gpt-9", Deadline.after(minutes=1))
    openai = serving(routes="/v1", fails=True)
    assert wait_for_model.fn(openai, EMBEDDING, Deadline.after(minutes=1)) == ""
    with pytest.raises(ServiceUnwell, match="Loading model"):
        embed_texts(openai, ["a"], "passage")


@pytest.mark.parametrize(
    ("described", "shown", "ready", "failed"),
    [
        ({"state": {"ready": "READY", "config_update": "UPDATE_FAILED"}}, "READY, update UPDATE_FAILED", True, False),
        ({"state": {"ready": "NOT_READY", "config_update": "UPDATE_CANCELED"}}, "NOT_READY, update UPDATE_CANCELED", False, True),
        ({"state": {"ready": "NOT_READY"}}, "NOT_READY", False, False),
        ({}, "in an unknown state", False, False),
        ({"state": "odd", "config": {"served_entities": ["odd", {"state": {"deployment": "DEPLOYMENT_READY"}}]}},
         "in an unknown state, DEPLOYMENT_READY", False, False),
    ],
)  # fmt: skip
def test_a_description_has_a_state_whatever_it_lacks(described, shown, ready, failed):
    found = serving_state("e", described)
    assert (str(found), found.is_ready, found.has_failed) == (shown, ready, failed)
