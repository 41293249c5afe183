"""Inference over the official client: ids, full queues, counts."""

import threading

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError, helpers

from sandbox.elastic.ml import inference_ledger
from tests.client import client_of
from tests.polling import until
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow

ELSER = ".elser_model_2"
E5 = ".multilingual-e5-small"
FULL = "inference process queue is full. Unable to execute command"


def reason(error):
    return error.value.body["error"]["reason"]


def infer(client, *texts, model=ELSER, **given):
    found = client.ml.infer_trained_model(
        model_id=model, docs=[{"text_field": text} for text in texts], **given
    )
    return [each["predicted_value"] for each in found["inference_results"]]


def deployment_stats(client, name=ELSER):
    return client.ml.get_trained_models_stats(model_id=name)["trained_model_stats"][0]["deployment_stats"]


def test_a_model_a_deployment_and_an_alias_answer_alike(with_model):
    client = with_model({"deployment_id": "d"}).client
    client.ml.put_trained_model_alias(model_id=ELSER, model_alias="elser")
    (by_model,) = infer(client, "a dog")
    assert next(iter(by_model)) == "dog"
    assert infer(client, "a dog", model="d") == [by_model]
    assert infer(client, "a dog", model="elser") == [by_model]


def test_a_truncated_text_is_marked(with_model):
    client = with_model().client
    docs = [{"text_field": "river " * 600}, {"text_field": "river"}]
    results = client.ml.infer_trained_model(model_id=ELSER, docs=docs)["inference_results"]
    assert [each.get("is_truncated", False) for each in results] == [True, False]


def test_unknown_ids_are_404_and_undeployed_models_409(with_model):
    client = with_model({"deployment_id": "d"}).client
    with pytest.raises(NotFoundError) as error:
        infer(client, "x", model="elser_inference_configured")
    assert reason(error) == "Could not find trained model [elser_inference_configured]"
    client.ml.stop_trained_model_deployment(model_id="d")
    with pytest.raises(ConflictError) as error:
        infer(client, "x")
    assert reason(error).startswith(f"Model [{ELSER}] must be deployed to use.")


def test_a_document_whose_input_field_is_missing_or_not_a_string_is_refused(with_model):
    client = with_model().client
    for document in ({"text": "x"}, {"text_field": {"token": 1.0}}):
        with pytest.raises(BadRequestError):
            client.ml.infer_trained_model(model_id=ELSER, docs=[document])


def test_documents_beyond_the_queues_capacity_are_refused_and_counted(with_model):
    client = with_model({"queue_capacity": 8, "cache_size": "0"}, inference_seconds=0.2).client
    with pytest.raises(ApiError) as error:
        infer(client, *(f"text {number}" for number in range(20)))
    assert error.value.status_code == 429
    assert error.value.body["error"]["type"] == "es_rejected_execution_exception"
    assert reason(error) == FULL
    stats = deployment_stats(client)
    # One running and eight waiting were accepted, the other eleven were not.
    assert stats["rejected_execution_count"] == 11
    assert stats["inference_count"] == 9


def test_a_bulk_enters_the_queue_as_a_whole(with_model, embedding_pipeline):
    elastic = with_model({"queue_capacity": 8, "cache_size": "0"}, inference_seconds=0.2)
    client = elastic.client
    embedding_pipeline(client)
    actions = [{"_index": "i", "_id": str(n), "plot": f"film {n}"} for n in range(20)]
    created, errors = helpers.bulk(client, actions, pipeline="embed", raise_on_error=False, refresh=True)
    assert created == 9
    assert {each["index"]["status"] for each in errors} == {429}
    assert {each["index"]["error"]["reason"] for each in errors} == {FULL}
    assert client.count(index="i")["count"] == 9
    assert sorted(inference_ledger.read(elastic.state).values()) == [1] * 9


def test_more_allocations_and_nodes_make_room(with_model):
    deployment = {"queue_capacity": 4, "number_of_allocations": 4, "cache_size": "0"}
    client = with_model(deployment, inference_seconds=0.05, processors=2).client
    # Two nodes with two allocations and a queue of four each.
    assert len(infer(client, *(f"text {n}" for n in range(12)))) == 12
    stats = deployment_stats(client)
    assert [node["number_of_allocations"] for node in stats["nodes"]] == [2, 2]
    assert [node["inference_count"] for node in stats["nodes"]] == [6, 6]


def test_allocations_share_the_load(with_model):
    client = with_model({"cache_size": "0"}, inference_seconds=0.25, ml_nodes=1).client
    texts = [f"text {n}" for n in range(24)]
    with pytest.raises(ApiError, match="timeout"):  # six seconds of work for one
        infer(client, *texts, timeout="4s")
    client.ml.update_trained_model_deployment(model_id=ELSER, number_of_allocations=4)
    assert len(infer(client, *texts, timeout="4s")) == len(texts)


def test_inference_that_takes_longer_than_its_timeout_is_408_and_counted(with_model):
    client = with_model({"cache_size": "0"}, inference_seconds=0.2).client
    with pytest.raises(ApiError) as error:
        infer(client, *(f"text {n}" for n in range(10)), timeout="300ms")
    assert error.value.status_code == 408
    assert reason(error) == "timeout [300ms] waiting for inference result"
    assert deployment_stats(client)["timeout_count"] > 0


def test_a_search_does_not_wait_for_ingest(with_model, embedding_pipeline):
    elastic = with_model({"cache_size": "0"}, inference_seconds=0.5)
    client = elastic.client
    embedding_pipeline(client)
    mappings = {"properties": {"embedding": {"type": "sparse_vector"}}}
    client.indices.create(index="i", mappings=mappings)
    client.index(index="i", document={"plot": "a dog"}, pipeline="embed", refresh=True)
    actions = [{"_index": "i", "plot": f"film {n}"} for n in range(40)]
    loader = client_of(elastic.sandbox.environment)
    thread = threading.Thread(
        target=lambda: helpers.bulk(loader, actions, pipeline="embed", raise_on_error=False)
    )
    thread.start()
    until(lambda: deployment_stats(client)["nodes"][0]["number_of_pending_requests"], "the load")
    query = {"sparse_vector": {"field": "embedding", "inference_id": ELSER, "query": "dog"}}
    hits = client.search(index="i", query=query)["hits"]["hits"]
    assert hits[0]["_source"]["plot"] == "a dog"
    assert deployment_stats(client)["nodes"][0]["number_of_pending_requests"] > 10
    assert "ml_native_inference_comms" in client.nodes.hot_threads().body
    client.ml.stop_trained_model_deployment(model_id=ELSER, force=True)  # what waits is refused
    thread.join()
    loader.close()


def test_a_repeated_text_comes_from_the_cache_until_it_is_cleared(with_model):
    client = with_model().client
    infer(client, "a dog")
    infer(client, "a dog")
    (node,) = deployment_stats(client)["nodes"]
    assert (node["inference_count"], node["inference_cache_hit_count"]) == (2, 1)
    assert client.ml.clear_trained_model_deployment_cache(model_id=ELSER) == {"cleared": True}
    infer(client, "a dog")
    assert deployment_stats(client)["nodes"][0]["inference_cache_hit_count"] == 1


def test_stopping_refuses_waiting_documents(with_model):
    elastic = with_model({"cache_size": "0"}, inference_seconds=0.2)
    seen = []

    def ask():
        client = client_of(elastic.sandbox.environment)
        try:
            infer(client, *(f"text {n}" for n in range(50)), timeout="1m")
        except ApiError as error:
            seen.append(error)
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: deployment_stats(elastic.client)["nodes"][0]["number_of_pending_requests"], "the load")
    elastic.client.ml.stop_trained_model_deployment(model_id=ELSER)
    thread.join()
    assert seen[0].status_code == 429


@runs_here
def test_a_dense_model_is_downloaded_deployed_and_asked_like_elser(elastic_server):
    client = elastic_server(download_seconds=0.02, start_seconds=0.02).client
    client.ml.put_trained_model(model_id=E5, input={"field_names": ["text_field"]}, wait_for_completion=True)
    (config,) = client.ml.get_trained_models(model_id=E5)["trained_model_configs"]
    assert config["prefix_strings"] == {"ingest": "passage: ", "search": "query: "}
    client.ml.start_trained_model_deployment(model_id=E5)
    (vector,) = infer(client, "a dog", model=E5)
    assert len(vector) == 384
    assert sum(each * each for each in vector) == pytest.approx(1, abs=1e-4)
