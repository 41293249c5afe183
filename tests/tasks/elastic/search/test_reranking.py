"""Searches with a reranker around them: as Elasticsearch spells them, and on a stand-in in this process."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from tasks.calls import NotFound
from tasks.elastic.cluster.endpoints import (
    EndpointSpec,
    ensure_endpoint,
    read_endpoint,
    remove_endpoint,
    verify_endpoint,
    wait_for_endpoint,
)
from tasks.elastic.cluster.models import RERANKER, ensure_model, wait_for_model
from tasks.elastic.cluster.rerankers import read_reranker, verify_reranker
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.search.reranking import Reranking
from tasks.elastic.search.ways import body, read_hits_by, ways_of
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedAs, EmbeddedField
from tasks.elastic.verification.judged import read_judged
from tasks.errors import CannotChangeInPlace, InvalidInput
from tests.client import VERSION
from tests.sandbox.elastic.conftest import served_here
from tests.sandbox.models.test_e5 import runs_here

DEFAULT = ".rerank-v1-elasticsearch"
PLOT = EmbeddedField(input="plot", output="plot_embedding")
QUERY = "How often does the moon hide the sun?"
ANSWER = "A solar eclipse happens when the Moon is directly between the Earth and the Sun."
TEXTS = {
    "lake": "The moon, the moon: Sun Moon Lake is the largest lake in Taiwan.",
    "eclipse": ANSWER,
    "bread": "Bread needs flour, water, salt and time.",
}


def embedded(kind="sparse-vector", index="texts"):
    return Embedded(
        index=index, source="s", query=None, pipeline="", deployment="d", search_deployment="e", fields=(PLOT,), kind=kind
    )  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A stand-in in this process with three texts, of which the words of the query find the wrong one first, and one without a text."""
    with served_here(tmp_path_factory.mktemp("rerank"), version=VERSION) as client:
        for id_, text in TEXTS.items():
            client.index(index="texts", id=id_, document={"plot": text})
        client.index(index="texts", id="silent", document={"title": "moon"}, refresh=True)
        yield ElasticSettings(url=client.transport.node_pool.get().base_url)


@pytest.fixture
def find(settings):
    """The ids that the words of a text find, best first."""

    def of(text=QUERY, how="bm25", size=2, window=None, endpoint=DEFAULT):
        reranking = None if window is None else Reranking(endpoint, window)
        found = read_hits_by.fn(
            settings, "texts", text, embedded(), PLOT, how, size=size, reranking=reranking
        )
        return [hit.id for hit in found.hits]

    return of


RETRIEVERS = {
    "sparse": "standard",
    "semantic": "standard",
    "bm25": "standard",
    "dense": "knn",
    "hybrid": "rrf",
}
WAYS = [(kind, how) for kind in get_args(EmbeddedAs) for how in ways_of(embedded(kind))]


@pytest.mark.parametrize(("kind", "how"), WAYS)
def test_every_way_becomes_a_retriever_for_as_many_hits_as_the_window(monkeypatch, kind, how):
    retriever = RETRIEVERS[how]
    asked = {}

    class Client:
        def search(self, **given):
            asked.update(given)
            raise NotFound("search", service="s", status=404, type="t", said="nothing")

    monkeypatch.setattr("tasks.elastic.search.ways.connect", lambda _settings: Client())
    with pytest.raises(NotFound):
        read_hits_by.fn(
            ElasticSettings(url="http://127.0.0.1:9"), "texts", QUERY, embedded(kind), PLOT, how, size=5, reranking=Reranking("mine", 150)
        )  # fmt: skip
    reranker = asked["retriever"]["text_similarity_reranker"]
    inner = reranker.pop("retriever")
    assert reranker == {
        "field": "plot",
        "inference_text": QUERY,
        "inference_id": "mine",
        "rank_window_size": 150,
    }
    assert (list(inner), asked["size"]) == ([retriever], 5)
    assert inner[retriever].get("k", inner[retriever].get("rank_window_size", 150)) == 150
    assert set(asked) == {"index", "size", "source", "retriever"}


def test_near_passages_are_asked_without_their_inner_hits_which_a_retriever_does_not_take(monkeypatch):
    passages = EmbeddedField.in_passages("plot", "plot_passages")
    assert "inner_hits" in body(QUERY, embedded("dense-vector"), passages, "dense", 5)["knn"]
    asked = {}
    monkeypatch.setattr(
        "tasks.elastic.search.ways.connect",
        lambda _settings: type("Client", (), {"search": lambda _self, **given: asked.update(given)})(),
    )
    with pytest.raises(AttributeError):  # this client answers nothing
        read_hits_by.fn(
            ElasticSettings(url="http://127.0.0.1:9"), "texts", QUERY, embedded("dense-vector"), passages, "dense", reranking=Reranking("mine", 30)
        )  # fmt: skip
    reranker = asked["retriever"]["text_similarity_reranker"]
    assert reranker["field"] == "plot", "the whole text: passages are nested, and no reranker sees them"
    assert "inner_hits" not in reranker["retriever"]["knn"]


@runs_here
def test_the_hits_of_a_window_come_in_the_rerankers_order_and_no_others(find):
    assert find() == ["lake", "eclipse"]
    assert find(window=2) == ["eclipse", "lake"]
    assert find(size=1, window=1) == ["lake"]
    assert find("moon", size=4, window=4) == ["lake", "eclipse"], "without a text there is nothing to compare"


@runs_here
def test_a_way_is_measured_with_and_without_its_reranker(settings, tmp_path):
    judged = tmp_path / "judged.jsonl"
    judged.write_text(json.dumps({"query": QUERY, "expected": ["eclipse"]}) + "\n")
    measured = [
        read_judged.fn(settings, "texts", embedded(), PLOT, "bm25", judged, reranking=by).quality.ndcg
        for by in (None, Reranking(DEFAULT, 10))
    ]
    assert measured == [pytest.approx(0.6309, abs=1e-4), 1]


@runs_here
def test_a_reranker_is_found_and_its_first_use_waits_for_its_model(settings):
    assert read_reranker.fn(settings, DEFAULT).model_id == RERANKER
    answer = verify_reranker.fn(settings, DEFAULT)
    assert str(answer).startswith("answers a score in")
    assert connect(settings).ml.get_trained_models_stats(model_id=DEFAULT)["count"] == 1


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("gone", "There is no such inference endpoint: 'gone'"),
        ("*", "There is no such inference endpoint: '*'"),
        (
            ".elser-2-elasticsearch",
            "answers sparse_embedding, and reranking needs one of the task type rerank",
        ),
    ],
)
def test_what_does_not_rerank_is_refused_with_those_that_do(settings, endpoint, problem):
    with pytest.raises(InvalidInput) as refused:
        read_reranker.fn(settings, endpoint)
    assert problem in str(refused.value)
    assert f"(from --rerank). Accepted: {DEFAULT}" in str(refused.value)
    assert "elastic endpoint-ensure --name my-reranker --model-id .rerank-v1" in str(refused.value)


@runs_here
def test_a_reranker_is_no_endpoint_to_embed_with(settings):
    with pytest.raises(
        InvalidInput, match=r"answers rerank, which is no embedding.*Accepted: \.elser-2-ela"
    ) as error:
        verify_endpoint.fn(settings, DEFAULT)
    assert DEFAULT not in error.value.accepted


def test_why_a_reranker_failed_is_in_the_error_although_the_service_suppresses_it(find):
    with pytest.raises(NotFound, match=r"Inference endpoint not found \[gone\]"):
        find(window=5, endpoint="gone")


@runs_here
def test_an_endpoint_of_elastics_reranker_is_created_once_compared_and_removed(settings, deadline, name):
    with pytest.raises(InvalidInput, match=r"compares texts with a query \(task text_similarity\).*--rerank"):
        ensure_model.fn(settings, RERANKER)
    ensure_model.fn(settings, RERANKER, may_rerank=True)
    wait_for_model.fn(settings, RERANKER, deadline)
    spec = EndpointSpec(id=name, task_type="rerank", model_id=RERANKER)
    assert ensure_endpoint.fn(settings, spec, deadline).did == "created"
    wait_for_endpoint.fn(settings, spec, deadline)
    assert verify_reranker.fn(settings, name).milliseconds > 0
    assert ensure_endpoint.fn(settings, spec, deadline).did == "nothing"
    other = spec.model_copy(update={"task_type": "text_embedding", "model_id": ".multilingual-e5-small"})
    with pytest.raises(CannotChangeInPlace, match=f"elastic endpoint-delete --name {name}"):
        ensure_endpoint.fn(settings, other, deadline)
    assert remove_endpoint.fn(settings, name, deadline) == (name,)
    assert read_endpoint.fn(settings, name) is None


def test_an_uploaded_model_that_cannot_be_asked_names_the_tasks_that_can(settings):
    connect(settings).ml.put_trained_model(
        model_id="names", input={"field_names": ["text_field"]}, model_type="pytorch", inference_config={"ner": {}}
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"text_similarity \(a score, for reranking\)"):
        ensure_model.fn(settings, "names", may_rerank=True)
