"""Faults of every kind in HTTP, and at the end of tasks, downloads and deployments."""

import pytest
from elasticsearch import ApiError

from sandbox import faults
from tests.polling import until

ELSER = ".elser_model_2"


def test_each_kind_of_answer_and_retry_after(shared):
    raised = []
    for kind, seconds in (("unavailable", None), ("internal", None), ("throttled", None), ("throttled", 1.2)):
        faults.add(shared.state, "info", kind, retry_after=seconds)
        with pytest.raises(ApiError) as answered:
            shared.client.info()
        raised.append((answered.value.status_code, answered.value.meta.headers.get("retry-after")))
    assert raised == [(503, None), (500, None), (429, None), (429, "2")]


def test_no_call_is_aborted(shared):
    with pytest.raises(
        ValueError, match="info cannot be aborted before its effect; possible there: unavailable"
    ):
        faults.add(shared.state, "info", "aborted")


def test_a_call_that_stalls_for_ever_holds_no_thread_once_its_caller_has_left(shared):
    faults.add(shared.state, "info", "stall", times=1_000)
    impatient = shared.client.options(request_timeout=0.01)
    stalled = [each for each in faults.struck(shared.state) if each.kind == "stall"]
    # On a busy machine a caller may leave before the stand-in has seen its call.
    while len([each for each in faults.struck(shared.state) if each.kind == "stall"]) < len(stalled) + 200:
        with pytest.raises(Exception, match="timed out"):
            impatient.info()
    faults.clear(shared.state)
    assert shared.client.info()["tagline"]


def task_of(client, **options):
    started = client.reindex(wait_for_completion=False, **options)
    return started["task"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unavailable", "cluster_block_exception"),
        ("internal", "node_disconnected_exception"),
        ("throttled", "es_rejected_execution_exception"),
    ],
)
def test_a_task_that_fails_at_its_end_shows_the_error(shared, fresh_index, kind, error):
    source, dest = fresh_index(documents=[{"a": 1}]), fresh_index()
    faults.add(shared.state, "reindex", kind, "end")
    task = task_of(shared.client, source={"index": source}, dest={"index": dest})
    ended = until(lambda: (found := shared.client.tasks.get(task_id=task))["completed"] and found, "the end")
    assert ended["error"]["type"] == error
    assert shared.client.exists(index=dest, id="1")


def test_a_task_that_never_ends_can_be_cancelled(shared, fresh_index):
    source, dest = fresh_index(documents=[{"a": 1}]), fresh_index()
    faults.add(shared.state, "reindex", "stall", "end")
    task = task_of(shared.client, source={"index": source}, dest={"index": dest})
    until(lambda: shared.client.exists(index=dest, id="1"), "the copy")
    assert not shared.client.tasks.get(task_id=task)["completed"]
    shared.client.tasks.cancel(task_id=task)
    ended = until(lambda: (found := shared.client.tasks.get(task_id=task))["completed"] and found, "the end")
    assert ended["response"]["canceled"] == "by user request"


def test_a_download_that_fails_half_way_goes_on_when_it_is_requested_again(elastic_server):
    elastic = elastic_server()
    ml = elastic.client.ml

    def put():
        ml.put_trained_model(model_id=ELSER, input={"field_names": ["text_field"]})

    def complete():
        found = ml.get_trained_models(model_id=ELSER, include="definition_status")
        return found["trained_model_configs"][0]["fully_defined"]

    faults.add(elastic.state, "ml.put_trained_model", "internal", "end")
    put()
    until(
        lambda: not elastic.client.tasks.list(actions="xpack/ml/model_import*")["nodes"],
        "the end of the task",
    )
    assert not complete()
    put()
    until(complete, "the whole model")


def test_a_deployment_that_fails_at_its_end_says_so_and_can_be_started_again(elastic_server):
    elastic = elastic_server(download_seconds=0.02, start_seconds=0.02)
    ml = elastic.client.ml
    ml.put_trained_model(model_id=ELSER, input={"field_names": ["text_field"]}, wait_for_completion=True)
    faults.add(elastic.state, "ml.start_trained_model_deployment", "internal", "end")
    with pytest.raises(ApiError) as failed:
        ml.start_trained_model_deployment(model_id=ELSER)
    assert failed.value.status_code == 500
    shown = ml.get_trained_models_stats(model_id=ELSER)["trained_model_stats"][0]["deployment_stats"]
    assert shown["state"] == "starting"
    assert shown["nodes"][0]["routing_state"] == {
        "routing_state": "failed", "reason": "inference process crashed",
    }  # fmt: skip
    ml.stop_trained_model_deployment(model_id=ELSER)
    faults.add(elastic.state, "ml.start_trained_model_deployment", "stall", "end")
    ml.start_trained_model_deployment(model_id=ELSER, wait_for="starting")
    shown = ml.get_trained_models_stats(model_id=ELSER)["trained_model_stats"][0]["deployment_stats"]
    assert shown["state"] == "starting"
    with pytest.raises(ApiError) as refused:
        ml.infer_trained_model(model_id=ELSER, docs=[{"text_field": "a"}])
    assert refused.value.status_code == 409
