"""Reranking over the official client: endpoints of the task type rerank, and the retriever text_similarity_reranker."""

import math

import numpy as np
import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError

from sandbox.models import e5
from sandbox.models.missing import ModelMissing
from tests.client import GENERATION
from tests.sandbox.elastic.conftest import served_here
from tests.sandbox.models.test_e5 import runs_here

pytestmark = runs_here

DEFAULT = ".rerank-v1-elasticsearch"
VERSION = {8: "8.19", 9: "9.5"}[GENERATION]
QUERY = "How often does the moon hide the sun?"
TEXTS = (
    "Sun Moon Lake is the largest lake in Taiwan.",
    "A solar eclipse happens when the Moon is directly between the Earth and the Sun.",
    "Bread needs flour, water, salt and time.",
    "Cakes called moon cakes are eaten at a festival in autumn.",
)
SETTINGS = {"model_id": ".rerank-v1", "num_threads": 1, "num_allocations": 1}
WORDS = {"standard": {"query": {"match": {"text": "moon bread"}}}}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of a stand-in with the endpoint `mine`, and four documents of which the last has no text."""
    with served_here(tmp_path_factory.mktemp("rerank"), version=VERSION) as client:
        make(client, "mine")
        properties = {
            "text": {"type": "text", "fields": {"exact": {"type": "keyword"}}},
            "topic": {"type": "keyword"},
            "parts": {"type": "nested", "properties": {"text": {"type": "text"}}},
            "n": {"type": "integer"},
        }
        client.indices.create(index="docs", mappings={"properties": properties})
        for number, text in enumerate(TEXTS):
            client.index(index="docs", id=str(number), document={"text": text, "topic": "sky", "n": number})
        client.index(index="docs", id="silent", document={"topic": "sky"}, refresh=True)
        yield client


def make(client, name, task_type="rerank", settings=SETTINGS, **given):
    config = {"service": "elasticsearch", "service_settings": settings, **given}
    return client.inference.put(inference_id=name, task_type=task_type, inference_config=config)


def logits(query, texts):
    """What the stand-in's model answers, by the formula in its module."""
    cosines = e5.embed([query], "query")[0] @ e5.embed(texts, "passage").T
    return dict(enumerate(((cosines - np.float32(0.8)) * 40).tolist()))


def reranked(client, retriever=WORDS, index="docs", *, search=None, **given):
    body = {
        "retriever": retriever,
        "field": "text",
        "inference_text": QUERY,
        "inference_id": "mine",
        **given,
    }
    return client.search(index=index, retriever={"text_similarity_reranker": body}, **(search or {}))


def found(answer):
    return {hit["_id"]: hit["_score"] for hit in answer["hits"]["hits"]}


def test_a_reranker_is_created_with_its_model_and_shown_with_its_task_settings(client):
    made = make(client, "silent", task_settings={"return_documents": False}).body
    assert made == {
        "inference_id": "silent",
        "task_type": "rerank",
        "service": "elasticsearch",
        "service_settings": SETTINGS,
        "task_settings": {"return_documents": False},
    }
    (listed,) = client.inference.get(task_type="rerank", inference_id="silent")["endpoints"]
    assert listed == made
    (model,) = client.ml.get_trained_models(model_id=".rerank-v1")["trained_model_configs"]
    assert list(model["inference_config"]) == ["text_similarity"]
    assert "text" not in client.inference.rerank(inference_id="silent", query=QUERY, input="x")["rerank"][0]


def test_texts_are_answered_best_first_with_their_places_and_logits(client):
    answers = client.inference.rerank(inference_id="mine", query=QUERY, input=list(TEXTS))["rerank"]
    expected = logits(QUERY, TEXTS)
    assert [each["index"] for each in answers] == sorted(expected, key=lambda place: -expected[place])
    assert answers[0]["index"] == 1
    assert [each["text"] for each in answers] == [TEXTS[each["index"]] for each in answers]
    scores = {each["index"]: each["relevance_score"] for each in answers}
    assert scores == pytest.approx(expected, abs=1e-4)
    assert min(scores.values()) < 0 < max(scores.values())
    untyped = client.inference.inference(inference_id="mine", query=QUERY, input=list(TEXTS))["rerank"]
    assert untyped == answers


def test_a_call_says_how_many_answers_it_wants_and_whether_with_their_texts(client):
    asked = {"query": QUERY, "input": list(TEXTS)}

    def ask(**given):
        return client.perform_request(
            "POST",
            "/_inference/rerank/mine",
            headers={"accept": "application/json", "content-type": "application/json"},
            body={**asked, **given},
        )["rerank"]

    assert [set(each) for each in ask(top_n=2)] == [{"index", "relevance_score", "text"}] * 2
    assert "text" not in ask(return_documents=False)[0]
    assert "text" not in ask(task_settings={"return_documents": False})[0]
    assert "text" in ask(return_documents=True, task_settings={"return_documents": False})[0]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"input": ["x"]}, r"\[query\] cannot be null for task type \[rerank\]"),
        ({"input": ["x"], "query": ""}, r"\[query\] cannot be empty for task type \[rerank\]"),
        ({"query": "x"}, r"\[input\] cannot be null"),
        ({"query": "x", "input": []}, r"\[input\] cannot be an empty array"),
        ({"query": "x", "input": ["x"], "input_type": "search"}, r"\[input_type\] cannot be specified for task type"),
        ({"query": "x", "input": ["x"], "top_n": "two"}, r"failed to parse field \[top_n\]"),
        ({"query": "x", "input": ["x"], "task_settings": {"top_n": 1}}, r"settings \[\{top_n=1\}\] unknown"),
        ({"query": "x", "input": ["x"], "rank": 1}, r"settings \[\{rank=1\}\] unknown"),
    ],
)  # fmt: skip
def test_a_call_without_what_reranking_needs_is_refused(client, asked, problem):
    headers = {"accept": "application/json", "content-type": "application/json"}
    with pytest.raises(BadRequestError, match=problem):
        client.perform_request("POST", "/_inference/rerank/mine", headers=headers, body=asked)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"task_type": "sparse_embedding"}, r"\[.rerank-v1\] answers \[rerank\], not \[sparse_embedding\]"),
        ({"settings": {**SETTINGS, "model_id": ".elser_model_2"}}, r"answers \[sparse_embedding\], not \[rerank\]"),
        ({"task_settings": {"top_n": 3}}, r"settings \[\{top_n=3\}\] unknown"),
        ({"task_settings": {"return_documents": "never"}}, r"\[never\] cannot be converted to a \[Boolean\]"),
        ({"chunking_settings": {"strategy": "none"}}, "chunking_settings"),
        ({"service": "elser"}, r"The \[elser\] service does not support task type \[rerank\]"),
    ],
)  # fmt: skip
def test_what_is_no_reranker_is_refused_and_nothing_is_left(client, given, problem):
    with pytest.raises(BadRequestError, match=problem):
        make(client, "refused", **given)
    with pytest.raises(NotFoundError):
        client.inference.get(inference_id="refused")


def test_a_reranker_embeds_nothing_and_an_embedding_endpoint_does_not_rerank(client):
    with pytest.raises(BadRequestError, match=r"task type \[text_embedding\] does not match .* \[rerank\]"):
        client.inference.text_embedding(inference_id="mine", input="x")
    with pytest.raises(BadRequestError, match=r"task type \[rerank\] does not match .* \[text_embedding\]"):
        client.inference.rerank(inference_id=".multilingual-e5-small-elasticsearch", query="x", input=["x"])
    with pytest.raises(BadRequestError, match="compares texts with a query and embeds nothing"):
        client.ml.infer_trained_model(model_id="mine", docs=[{"text_field": "x"}])


def test_the_default_reranker_is_deployed_at_its_first_use_and_used_where_none_is_named(client):
    assert DEFAULT in {each["inference_id"] for each in client.inference.get()["endpoints"]}
    with pytest.raises(NotFoundError):
        client.ml.get_trained_models_stats(model_id=DEFAULT)
    by_default = {"retriever": WORDS, "field": "text", "inference_text": QUERY}
    answer = client.search(index="docs", retriever={"text_similarity_reranker": by_default})
    assert found(answer) == found(reranked(client))
    assert client.ml.get_trained_models_stats(model_id=DEFAULT)["count"] == 1


def test_documents_come_in_the_rerankers_order_with_scores_that_are_not_negative(client):
    answer = reranked(client)
    expected = {str(place): max(s, 0) + min(math.exp(s), 1) for place, s in logits(QUERY, TEXTS).items()}
    assert found(answer) == pytest.approx(expected, rel=1e-4)
    assert list(found(answer)) == sorted(expected, key=lambda id_: -expected[id_])
    assert min(expected.values()) < 1 < max(expected.values())
    assert answer["hits"]["total"]["value"] == 4
    by_words = client.search(index="docs", retriever=WORDS)
    assert list(found(by_words)) != list(found(answer))


def test_only_the_window_is_reranked_and_nothing_else_is_found(client):
    first = list(found(client.search(index="docs", retriever=WORDS)))[:2]
    answer = reranked(client, rank_window_size=2, search={"size": 2})
    assert set(found(answer)) == set(first)
    assert answer["hits"]["total"]["value"] == 2


def test_documents_without_the_text_are_left_out(client):
    everything = {"standard": {"query": {"term": {"topic": "sky"}}}}
    assert set(found(reranked(client, everything))) == {"0", "1", "2", "3"}
    for without in ("nowhere", "parts.text"):
        answer = reranked(client, everything, field=without)
        assert (found(answer), answer["hits"]["total"]["value"]) == ({}, 0)


def test_the_text_is_what_fields_shows_whatever_is_shown_of_the_source(client):
    exact = reranked(client, field="text.exact", search={"source": False})
    assert found(exact) == found(reranked(client))
    assert all("_source" not in hit for hit in exact["hits"]["hits"])
    numbers = reranked(client, field="n", inference_text="2")
    assert found(numbers)["2"] == pytest.approx(
        max(s := logits("2", ["2"])[0], 0) + min(math.exp(s), 1), rel=1e-4
    )


def test_of_several_values_the_first_is_read(client):
    client.index(index="many", id="1", document={"text": [TEXTS[2], TEXTS[1]]}, refresh=True)
    everything = {"standard": {"query": {"match_all": {}}}}
    score = found(reranked(client, everything, "many"))["1"]
    assert score == pytest.approx(math.exp(logits(QUERY, TEXTS)[2]), rel=1e-4)


def test_min_score_is_compared_with_what_the_model_answers(client):
    expected = logits(QUERY, TEXTS)
    best, second, *_ = sorted(expected.values(), reverse=True)
    between = (best + second) / 2
    assert list(found(reranked(client, min_score=between))) == ["1"]
    assert reranked(client, min_score=between)["hits"]["total"]["value"] == 1
    assert found(reranked(client, min_score=100)) == {}


def test_a_filter_reaches_the_retriever_within(client):
    assert set(found(reranked(client, filter={"range": {"n": {"gte": 2}}}))) == {"2", "3"}


def test_a_reranker_stands_around_a_fusion_and_within_one(client):
    both = [WORDS, {"standard": {"query": {"term": {"topic": "sky"}}}}]
    around = reranked(client, {"rrf": {"retrievers": both}})
    assert found(around) == found(reranked(client))
    own = {"retriever": WORDS, "field": "text", "inference_text": QUERY, "inference_id": "mine"}
    reranker = {"text_similarity_reranker": own}
    within = client.search(index="docs", retriever={"rrf": {"retrievers": [reranker, reranker]}})
    assert list(found(within)) == list(found(around))
    assert found(within)["1"] == pytest.approx(2 / 61, rel=1e-5)
    linear = {"linear": {"retrievers": [{"retriever": reranker, "weight": 2.0}]}}
    assert found(client.search(index="docs", retriever=linear))["1"] == pytest.approx(
        2 * found(around)["1"], rel=1e-5
    )


@pytest.mark.parametrize(
    ("given", "search", "problem"),
    [
        ({}, {"size": 20}, r"\[rank_window_size: 10\] be greater than or equal to \[size: 20\]"),
        ({"rank_window_size": -1}, {"size": 0}, r"cannot be negative, found \[-1\]"),
        ({"field": None}, {}, r"Required \[field\]"),
        ({"inference_text": 7}, {}, r"failed to parse field \[inference_text\]"),
        ({"chunk_rescorer": {}}, {}, r"does not imitate \[chunk_rescorer\]"),
        ({"allow_rerank_failures": "yes"}, {}, r"failed to parse field \[allow_rerank_failures\]"),
        (
            {"rank_window_size": 50, "retriever": {"rrf": {"retrievers": [WORDS, WORDS]}}},
            {},
            r"\[rank_window_size: 50\] to be smaller than or equal to its sub retriever's rrf",
        ),
        ({"retriever": {"magic": {}}}, {}, r"unknown retriever \[magic\]"),
    ],
)
def test_what_the_retriever_does_not_take_is_refused_by_name(client, given, search, problem):
    with pytest.raises(BadRequestError, match=problem):
        reranked(client, search=search, **given)


@pytest.mark.parametrize("words", ["moon", "nothing"])
@pytest.mark.parametrize(
    ("endpoint", "status", "cause"),
    [
        ("gone", 404, "Inference endpoint not found [gone]"),
        (".elser-2-elasticsearch", 400, "Requested task type [rerank] does not match"),
    ],
)
def test_why_reranking_failed_is_the_cause_of_a_suppressed_exception(client, endpoint, status, cause, words):
    retriever = {"standard": {"query": {"match": {"text": words}}}}
    with pytest.raises(ApiError) as refused:
        reranked(client, retriever, inference_id=endpoint)
    error = refused.value.body["error"]
    assert refused.value.status_code == status
    assert error["reason"].startswith("[text_similarity_reranker] search failed - retrievers '[standard]'")
    (suppressed,) = error["suppressed"]
    assert suppressed["reason"] == "Computing updated ranks for results failed"
    assert suppressed["caused_by"]["reason"].startswith(cause)
    allowed = reranked(client, retriever, inference_id=endpoint, allow_rerank_failures=True)
    assert found(allowed) == found(client.search(index="docs", retriever=retriever))


def test_an_uploaded_cross_encoder_reranks(client):
    bert = {"bert": {"do_lower_case": True, "with_special_tokens": True, "max_sequence_length": 512}}
    client.ml.put_trained_model(
        model_id="ms-marco",
        input={"field_names": ["text_field"]},
        model_type="pytorch",
        inference_config={"text_similarity": {"tokenization": bert}},
    )
    client.ml.put_trained_model_definition_part(
        model_id="ms-marco", part=0, definition="YWJjZGVm", total_definition_length=6, total_parts=1
    )
    client.ml.put_trained_model_vocabulary(model_id="ms-marco", vocabulary=["a", "b"])
    make(client, "theirs", settings={**SETTINGS, "model_id": "ms-marco"})
    assert found(reranked(client, inference_id="theirs")) == found(reranked(client))


def test_before_8_14_there_is_neither_the_model_nor_the_retriever(tmp_path):
    if GENERATION != 8:
        pytest.skip("client 9 does not speak to 8.13")
    with served_here(tmp_path, version="8.13") as old:
        old.indices.create(index="docs")
        with pytest.raises(BadRequestError, match="does not support task type"):
            make(old, "mine")
        with pytest.raises(BadRequestError, match=r"unknown retriever \[text_similarity_reranker\]"):
            reranked(old)


def test_where_e5_cannot_run_a_reranker_is_refused_with_what_is_missing(client, monkeypatch):
    def missing():
        raise ModelMissing("multilingual-e5-small runs on Linux x86-64 only.")

    monkeypatch.setattr("sandbox.elastic.ml.packages.load_e5", missing)
    with pytest.raises(ApiError, match="runs on Linux x86-64 only"):
        make(client, "nowhere")
    with pytest.raises(NotFoundError):
        client.inference.get(inference_id="nowhere")


@pytest.mark.skipif(GENERATION != 8, reason="client 9 does not speak to 8.17")
def test_in_8_17_the_endpoint_is_made_and_named_and_calls_take_no_options_of_their_own(tmp_path):
    with served_here(tmp_path, version="8.17") as old:
        assert DEFAULT not in {each["inference_id"] for each in old.inference.get()["endpoints"]}
        make(old, "mine")
        old.index(index="docs", id="1", document={"text": TEXTS[1]}, refresh=True)
        everything = {"standard": {"query": {"match_all": {}}}}
        assert list(found(reranked(old, everything))) == ["1"]
        with pytest.raises(BadRequestError, match=r"Required \[inference_id\]"):
            reranked(old, everything, inference_id=None)
        with pytest.raises(BadRequestError, match=r"does not imitate \[allow_rerank_failures\]"):
            reranked(old, everything, allow_rerank_failures=True)


def test_reranked_scores_are_not_explained_which_is_said_by_name(client):
    with pytest.raises(BadRequestError, match="text_similarity_reranker"):
        reranked(client, search={"explain": True})
