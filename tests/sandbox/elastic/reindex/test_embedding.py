"""Copies through an inference pipeline: retries, failures, and repairs by update by query."""

from collections import Counter

import pytest

from sandbox.elastic.ml import inference_ledger
from tests.polling import until
from tests.sandbox.elastic.reindex.films import ELSER, MAPPINGS, copy, fill, finished

pytestmark = pytest.mark.slow


def test_documents_are_embedded_during_a_copy(with_model, embedding_pipeline):
    elastic = with_model()
    client = elastic.client
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "embed"}, refresh=True)
    assert (found["created"], found["failures"]) == (40, [])
    assert client.count(index="copy", query={"exists": {"field": "embedding"}})["count"] == 40
    assert inference_ledger.read(elastic.state) == Counter(f"film {n}" for n in range(40))


def test_a_batch_that_the_queue_partly_refuses_is_retried_until_it_is_written(with_model, embedding_pipeline):
    elastic = with_model({"queue_capacity": 8, "cache_size": "0"}, inference_seconds=0.005)
    client = elastic.client
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "embed"}, {"size": 20}, refresh=True)
    assert (found["created"], found["failures"], found["batches"]) == (40, [], 2)
    assert found["retries"]["bulk"] == 4
    assert inference_ledger.read(elastic.state) == Counter(f"film {n}" for n in range(40))


def test_one_failure_that_is_not_a_rejection_ends_the_copy_after_its_batch(with_model, embedding_pipeline):
    client = with_model().client
    client.index(index="films", id="without", document={"n": 3})
    fill(client, 40)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    task = copy(client, {"pipeline": "embed"}, {"size": 10}, wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert "error" not in found
    failed = [failure for failure in found["response"]["failures"] if failure["id"] == "without"]
    assert failed[0]["status"] == 400
    assert failed[0]["cause"]["reason"] == "field [plot] not present as part of path [plot]"
    assert (found["response"]["created"], found["response"]["batches"]) == (9, 1)


def test_a_pipeline_that_swallows_rejections_hides_them_from_the_copy(with_model):
    client = with_model({"queue_capacity": 4, "cache_size": "0"}, inference_seconds=0.02).client
    fill(client, 20)
    fields = {"input_field": "plot", "output_field": "embedding"}
    processor = {
        "model_id": ELSER,
        "input_output": fields,
        "on_failure": [{"set": {"field": "failed", "value": 1}}],
    }
    client.ingest.put_pipeline(id="swallow", processors=[{"inference": processor}])
    client.indices.create(index="copy", mappings=MAPPINGS)
    found = copy(client, {"pipeline": "swallow"}, refresh=True)
    assert (found["created"], found["failures"], found["retries"]["bulk"]) == (20, [], 0)
    assert client.count(index="copy", query={"exists": {"field": "embedding"}})["count"] == 5
    assert client.count(index="copy", query={"exists": {"field": "failed"}})["count"] == 15


def test_update_by_query_embeds_documents_without_an_embedding(with_model, embedding_pipeline):
    elastic = with_model()
    client = elastic.client
    fill(client, 20)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    copy(client, {"pipeline": "embed"}, max_docs=12, refresh=True)
    copy(client, {"op_type": "create", "pipeline": "_none"}, conflicts="proceed", refresh=True)
    missing = {"bool": {"must_not": {"exists": {"field": "embedding"}}}}
    assert client.count(index="copy", query=missing)["count"] == 8
    task = client.update_by_query(index="copy", query=missing, pipeline="embed", wait_for_completion=False)[
        "task"
    ]
    found = finished(client, task)
    assert found["task"]["action"] == "indices:data/write/update/byquery"
    assert found["task"]["description"] == "update-by-query [copy]"
    assert found["response"]["updated"] == 8
    assert "created" not in found["response"]
    client.indices.refresh(index="copy")
    assert client.count(index="copy", query=missing)["count"] == 0
    assert set(inference_ledger.read(elastic.state).values()) == {1}


def test_a_document_that_changed_meanwhile_is_a_conflict_of_update_by_query(filled):
    client = filled(20)
    given = {"scroll_size": 10, "requests_per_second": 0.5, "wait_for_completion": False}
    task = client.update_by_query(index="films", conflicts="proceed", **given)["task"]
    until(lambda: client.tasks.get(task_id=task)["task"]["status"]["updated"])
    client.index(index="films", id="15", document={"changed": True})
    client.update_by_query_rethrottle(task_id=task, requests_per_second=-1)
    found = finished(client, task)["response"]
    assert (found["updated"], found["version_conflicts"]) == (19, 1)
    assert client.get(index="films", id="15")["_source"] == {"changed": True}
