"""Sliced copies: automatic, manual, and their child tasks."""

import pytest

from tests.polling import until
from tests.sandbox.elastic.reindex.films import copy, fill, finished

pytestmark = pytest.mark.slow


def test_slices_are_child_tasks_and_the_parent_sums_the_completed_ones(filled):
    client = filled(60)
    task = copy(client, source={"size": 5}, slices=3, requests_per_second=3, wait_for_completion=False)[
        "task"
    ]

    def children():
        found = client.tasks.list(parent_task_id=task, detailed=True)["nodes"]
        return [each for node in found.values() for each in node["tasks"].values()]

    below = until(lambda: len(children()) == 3 and children())
    assert {each["parent_task_id"] for each in below} == {task}
    running = client.tasks.get(task_id=task)["task"]["status"]
    assert (running["slices"], running["total"], running["requests_per_second"]) == ([None] * 3, 0, 0.0)
    (node,) = client.reindex_rethrottle(task_id=task, requests_per_second=-1)["nodes"].values()
    reported = node["tasks"][task]["status"]
    assert (len(reported["slices"]), reported["total"], reported["requests_per_second"]) == (3, 60, -1.0)
    found = finished(client, task)
    assert found["response"]["created"] == 60
    assert [each["slice_id"] for each in found["response"]["slices"]] == [0, 1, 2]
    assert sum(each["created"] for each in found["response"]["slices"]) == 60


def test_manual_slices_divide_the_documents(filled):
    client = filled(50)
    counts = [copy(client, source={"slice": {"id": number, "max": 2}})["created"] for number in (0, 1)]
    assert sum(counts) == 50
    assert min(counts) > 10


def test_automatic_slicing_makes_one_slice_per_shard(elastic_server):
    client = elastic_server().client
    client.indices.create(index="films", settings={"number_of_shards": 3})
    fill(client, 30)
    found = copy(client, slices="auto")
    assert len(found["slices"]) == 3
    assert found["created"] == 30
