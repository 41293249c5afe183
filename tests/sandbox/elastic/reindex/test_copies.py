"""Copies over the official client: counts, parts, conflicts, versions, restarts."""

import pytest
from elasticsearch import ConflictError, NotFoundError

from tests.polling import until
from tests.sandbox.elastic.reindex.films import copy, fill, finished, reason

pytestmark = pytest.mark.slow


def test_a_copy_answers_with_the_counts_in_the_elser_notebook(filled):
    client = filled(12)
    found = copy(client, refresh=True)
    assert found.body | {"took": 0} == {
        "took": 0,
        "timed_out": False,
        "total": 12,
        "updated": 0,
        "created": 12,
        "deleted": 0,
        "batches": 1,
        "version_conflicts": 0,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled": "0s",
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until": "0s",
        "throttled_until_millis": 0,
        "failures": [],
    }
    assert client.count(index="copy")["count"] == 12
    assert copy(client)["updated"] == 12


def test_a_copy_in_the_background_is_a_task_with_its_result_stored(filled):
    client = filled(12)
    task = copy(client.options(opaque_id="embed-1"), wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert found["task"]["action"] == "indices:data/write/reindex"
    assert found["task"]["description"] == "reindex from [films] to [copy]"
    assert found["task"]["headers"] == {"X-Opaque-Id": "embed-1"}
    assert found["task"]["status"]["created"] == 12
    assert found["response"]["created"] == 12
    assert "error" not in found


def test_a_part_is_copied_by_query_size_limit_and_fields(filled):
    client = filled(20)
    source = {"query": {"range": {"n": {"gte": 5}}}, "size": 4, "_source": ["n"]}
    found = copy(client, source=source, max_docs=10, refresh=True)
    assert (found["total"], found["created"], found["batches"]) == (10, 10, 3)
    assert client.get(index="copy", id="5")["_source"] == {"n": 5}


def test_fields_are_left_out_of_a_copy_wherever_they_stand(filled):
    client = filled(1)
    client.index(
        index="films", id="a", document={"n": 1, "old": {"a": 1.0}, "ml": {"t": 1, "u": 2}}, refresh=True
    )
    source = {"query": {"ids": {"values": ["a"]}}, "_source": {"excludes": ["old", "ml.t"]}}
    assert copy(client, source=source, refresh=True)["created"] == 1
    assert client.get(index="copy", id="a")["_source"] == {"n": 1, "ml": {"u": 2}}


def test_conflicts_end_a_copy_with_409_unless_it_proceeds(filled):
    client = filled(10)
    client.index(index="copy", id="3", document={}, refresh=True)
    with pytest.raises(ConflictError) as error:
        copy(client, {"op_type": "create"})
    body = error.value.body
    assert (body["created"], body["version_conflicts"]) == (9, 1)
    (failure,) = body["failures"]
    assert (failure["index"], failure["id"], failure["status"]) == ("copy", "3", 409)
    assert failure["cause"]["type"] == "version_conflict_engine_exception"
    found = copy(client, {"op_type": "create"}, conflicts="proceed")
    assert (found["created"], found["version_conflicts"], found["failures"]) == (0, 10, [])


def test_external_versions_keep_what_is_newer(filled):
    client = filled(3)
    for _ in range(3):
        client.index(index="copy", id="1", document={"newer": True}, refresh=True)
    found = copy(client, {"version_type": "external"}, conflicts="proceed")
    assert (found["created"], found["version_conflicts"]) == (2, 1)
    assert client.get(index="copy", id="1")["_source"] == {"newer": True}
    assert client.get(index="copy", id="0")["_version"] == 1


def test_a_copy_whose_source_is_deleted_reports_a_failure(filled):
    client = filled(20)
    task = copy(client, source={"size": 10}, requests_per_second=1, wait_for_completion=False)["task"]
    until(lambda: client.tasks.get(task_id=task)["task"]["status"]["created"])
    client.indices.delete(index="films")
    client.reindex_rethrottle(task_id=task, requests_per_second=-1)
    found = finished(client, task)["response"]
    assert (found["created"], found["total"]) == (10, 20)
    (failure,) = found["failures"]
    assert (failure["status"], failure["reason"]["type"]) == (404, "search_context_missing_exception")


def test_running_copies_are_lost_with_the_server_and_results_are_not(elastic_server):
    first = elastic_server()
    fill(first.client, 30)
    done = copy(first.client, wait_for_completion=False)["task"]
    finished(first.client, done)
    slow = {"source": {"size": 10}, "requests_per_second": 0.5, "wait_for_completion": False}
    lost = copy(first.client, {"index": "other"}, **slow)["task"]
    first.sandbox.kill()
    client = elastic_server().client
    assert finished(client, done)["response"]["created"] == 30
    with pytest.raises(NotFoundError) as error:
        client.tasks.get(task_id=lost)
    assert reason(error) == f"task [{lost}] isn't running and hasn't stored its results"
    with pytest.raises(NotFoundError) as error:
        client.tasks.get(task_id="foo:1")
    assert reason(error) == (
        "task [foo:1] belongs to the node [foo] which isn't part of the cluster and there is no record of the task"
    )


def test_an_error_before_the_first_document_is_the_tasks_error(filled):
    client = filled()
    task = client.reindex(source={"index": "nope"}, dest={"index": "copy"}, wait_for_completion=False)["task"]
    found = finished(client, task)
    assert found["completed"] is True
    assert found["error"]["type"] == "index_not_found_exception"
    assert "response" not in found
