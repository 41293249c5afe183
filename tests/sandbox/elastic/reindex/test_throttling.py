"""Throttled copies: pauses, changed rates, cancelling, and expiring scrolls."""

import pytest

from tests.polling import until
from tests.sandbox.elastic.reindex.films import MAPPINGS, copy, fill, finished

pytestmark = pytest.mark.slow


def test_throttling_pauses_between_batches_and_can_be_changed_while_running(filled):
    client = filled(30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    status = until(
        lambda: (
            (found := client.tasks.get(task_id=task)["task"]["status"])["throttled_until_millis"] > 5000
            and found
        )
    )
    assert (status["batches"], status["created"], status["requests_per_second"]) == (1, 10, 0.5)
    changed = client.reindex_rethrottle(task_id=task, requests_per_second=100)
    (node,) = changed["nodes"].values()
    assert node["tasks"][task]["status"]["requests_per_second"] == 100.0
    found = finished(client, task)["response"]
    assert found["created"] == 30
    assert found["throttled_millis"] < 15_000


def test_a_cancelled_copy_is_marked_and_keeps_its_writes(filled):
    client = filled(30)
    task = copy(client, source={"size": 10}, requests_per_second=0.5, wait_for_completion=False)["task"]
    until(lambda: client.tasks.get(task_id=task)["task"]["status"]["created"])
    cancelled = client.tasks.cancel(task_id=task, wait_for_completion=True)
    (node,) = cancelled["nodes"].values()
    assert node["tasks"][task]["cancelled"] is True
    found = finished(client, task)
    assert found["response"]["canceled"] == "by user request"
    assert found["response"]["created"] == 10
    assert found["response"]["failures"] == []
    assert client.tasks.cancel(actions="*reindex").body == {"nodes": {}}


def test_pauses_of_the_throttle_do_not_let_a_scroll_expire(filled):
    client = filled(20)
    found = copy(client, source={"size": 10}, requests_per_second=5, scroll="1s")
    assert (found["created"], found["failures"]) == (20, [])
    assert found["throttled_millis"] > 1000


@pytest.mark.parametrize("slices", [1, 2])
def test_a_copy_fails_if_a_batch_takes_longer_than_its_scroll(with_model, embedding_pipeline, slices):
    client = with_model({"cache_size": "0"}, inference_seconds=0.05).client
    fill(client, 20)
    embedding_pipeline(client)
    client.indices.create(index="copy", mappings=MAPPINGS)
    given = {"source": {"size": 10}, "slices": slices, "wait_for_completion": False}
    task = copy(client, {"pipeline": "embed"}, scroll="100ms", **given)["task"]
    found = finished(client, task)
    assert found["error"]["type"] == "search_context_missing_exception"
    assert client.count(index="films")["count"] == 20
