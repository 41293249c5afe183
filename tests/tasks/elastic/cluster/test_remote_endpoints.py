"""Endpoints of a model behind OpenAI's routes: made once, compared, given another key, asked, and deleted; the key is in no answer."""

from __future__ import annotations

import pytest
from elasticsearch import ApiError
from pydantic import SecretStr

from sandbox import faults, process
from sandbox.model_server.options import ModelServerOptions
from tasks.calls import ServiceRefused
from tasks.elastic.cluster.endpoints import read_endpoint, remove_endpoint, verify_endpoint
from tasks.elastic.cluster.remote_endpoints import RemoteEndpointSpec, ensure_remote_endpoint
from tasks.elastic.cluster.vectors import read_vector_model, read_vectors
from tasks.elastic.connection.clients import connect
from tasks.errors import CannotChangeInPlace
from tasks.models.settings import ModelSettings
from tests.sandbox.models.test_e5 import runs_here

MODEL = "multilingual-e5-small"
pytestmark = runs_here


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = process.start(tmp_path_factory.mktemp("models"), ModelServerOptions())
    yield started
    started.stop()


@pytest.fixture
def models(server):
    known = server.environment
    yield ModelSettings(base_url=known["OPENAI_BASE_URL"], api_key=SecretStr(known["OPENAI_API_KEY"]), embedding_model=MODEL)  # fmt: skip
    faults.clear(server.state)


@pytest.fixture
def spec(models, name):
    return RemoteEndpointSpec(id=name, model_id=MODEL, url=f"{models.base_url}/embeddings")


@pytest.fixture
def ensure(settings, spec, models, deadline):
    yield lambda **changes: ensure_remote_endpoint.fn(
        settings,
        spec.model_copy(update=changes.pop("spec", {})),
        models.model_copy(update=changes.pop("models", {})),
        **changes,
    )
    remove_endpoint.fn(settings, spec.id, deadline)


def test_it_is_made_once_asked_and_deleted_and_knows_its_dimensions(
    settings, ensure, spec, changes, deadline
):
    assert ensure().changed
    assert not ensure().changed
    assert changes() == ["inference.put"]
    there = read_endpoint.fn(settings, spec.id)
    assert (there.service, there.model_id, there.url, there.dimensions, there.deployment_id) == ("openai", MODEL, spec.url, 384, "")  # fmt: skip
    assert verify_endpoint.fn(settings, spec.id).size == 384
    assert remove_endpoint.fn(settings, spec.id, deadline) == (spec.id,)
    assert remove_endpoint.fn(settings, spec.id, deadline) == ()
    assert changes() == ["inference.put", "inference.delete"]


def test_it_answers_what_the_server_answers_and_leaves_prefixes_to_the_caller(settings, ensure, spec):
    ensure()
    model = read_vector_model.fn(settings, spec.id)
    assert model.wants_prefixes
    as_query, as_document = read_vectors.fn(settings, model, ["query: sharks", "passage: sharks"], "search")
    assert as_query != as_document
    assert len(as_query) == 384


def test_the_key_is_in_no_answer_of_the_cluster(settings, ensure, spec, models):
    ensure()
    key = models.api_key.get_secret_value()
    assert key not in str(connect(settings).inference.get(inference_id=spec.id).body)
    with pytest.raises(ServiceRefused) as refused:
        ensure(models={"api_key": SecretStr("sk-another-key-that-is-wrong")}, renew_key=True)
    assert refused.value.status == 401
    assert "sk-another-key-that-is-wrong" not in str(refused.value)
    assert verify_endpoint.fn(settings, spec.id).size == 384, "with the key that it had"
    assert ensure(renew_key=True).changed


@pytest.mark.parametrize(
    ("change", "field"),
    [({"model_id": "another"}, "model_id"), ({"url": "http://127.0.0.1:1/v1/embeddings"}, "url"), ({"dimensions": 128}, "dimensions")],
    ids=["model", "address", "dimensions"],
)  # fmt: skip
def test_another_model_address_or_size_under_the_same_id_is_refused(ensure, change, field):
    ensure()
    with pytest.raises(CannotChangeInPlace, match=rf"{field} cannot be changed in place"):
        ensure(spec=change)


def test_a_server_that_refuses_or_is_not_there_leaves_no_endpoint(settings, ensure, spec):
    with pytest.raises(ServiceRefused, match="another"):
        ensure(spec={"model_id": "another"})
    assert read_endpoint.fn(settings, spec.id) is None


def test_a_creation_whose_answer_is_lost_is_found(sandbox, ensure, changes):
    faults.add(sandbox.state, "inference.put", "reset", "after")
    try:
        assert ensure().changed
    finally:
        faults.clear(sandbox.state)
    assert changes() == ["inference.put"]


@pytest.mark.parametrize(
    ("task_type", "settings_given", "problem"),
    [
        ("text_embedding", {"url": "https://api.openai.com/v1/embeddings"}, "addresses of this machine only"),
        ("text_embedding", {}, "addresses of this machine only"),
        ("completion", {"url": "http://127.0.0.1:1/v1"}, r"no model for the task type \[completion\]"),
        ("text_embedding", {"api_key": None}, r"required setting \[api_key\]"),
        (
            "text_embedding",
            {"organization_id": "o"},
            r"organization_id=o.* unknown to the \[openai\] service",
        ),
    ],
    ids=["elsewhere", "the default is elsewhere", "completions", "no key", "an unknown setting"],
)
def test_the_stand_in_calls_nobody_else_and_refuses_the_rest_by_name(
    settings, name, task_type, settings_given, problem
):
    given = {"api_key": "k", "model_id": MODEL, **settings_given}
    with pytest.raises(ApiError, match=problem):
        connect(settings).inference.put(
            inference_id=name,
            task_type=task_type,
            inference_config={"service": "openai", "service_settings": given},
        )
