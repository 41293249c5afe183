"""What `index.blocks.*` forbid, over the official client."""

import pytest
from elasticsearch import ApiError

from tests.polling import until

DISK = (
    "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block"
)
CALLS = {
    "read": lambda client, index: client.get(index=index, id="1"),
    "search": lambda client, index: client.search(index=index),
    "write": lambda client, index: client.index(index=index, document={"a": 2}),
    "show": lambda client, index: client.indices.get(index=index),
    "map": lambda client, index: client.indices.put_mapping(index=index, properties={"b": {"type": "long"}}),
    "alias": lambda client, index: client.indices.put_alias(index=index, name=f"{index}-alias"),
    "set": lambda client, index: client.indices.put_settings(index=index, settings={"number_of_replicas": 2}),
}


def block(client, index, name, value):
    client.indices.put_settings(index=index, settings={f"index.blocks.{name}": value})


def refused(client, index):
    answers = {}
    for name, call in CALLS.items():
        try:
            call(client, index)
        except ApiError as error:
            found = error.body["error"]
            answers[name] = (error.status_code, found["type"], found["reason"])
    return answers


@pytest.mark.parametrize(
    ("name", "status", "text", "forbidden"),
    [
        ("read_only", 403, "FORBIDDEN/5/index read-only (api)", {"write", "map", "alias", "set"}),
        ("read", 403, "FORBIDDEN/7/index read (api)", {"read", "search"}),
        ("write", 403, "FORBIDDEN/8/index write (api)", {"write"}),
        ("metadata", 403, "FORBIDDEN/9/index metadata (api)", {"show", "map", "alias", "set"}),
        ("read_only_allow_delete", 429, DISK, {"write", "map", "alias", "set"}),
    ],
)
def test_a_block_forbids_what_it_is_for_until_it_is_lifted(
    shared, fresh_index, name, status, text, forbidden
):
    index = fresh_index(documents=[{"a": 1}])
    block(shared.client, index, name, value=True)
    answers = refused(shared.client, index)
    assert answers.keys() == forbidden
    assert set(answers.values()) == {
        (status, "cluster_block_exception", f"index [{index}] blocked by: [{text}];")
    }
    block(shared.client, index, name, value=None)
    assert refused(shared.client, index) == {}


def test_the_block_of_a_full_disk_is_the_only_one_that_lets_an_index_be_deleted(shared, fresh_index):
    full, fixed = fresh_index(), fresh_index()
    block(shared.client, full, "read_only_allow_delete", value=True)
    block(shared.client, fixed, "read_only", value=True)
    shared.client.indices.delete(index=full)
    with pytest.raises(ApiError, match="cluster_block_exception"):
        shared.client.indices.delete(index=fixed)
    block(shared.client, fixed, "read_only", value=None)


def test_several_blocks_are_all_named_and_one_that_stays_makes_it_a_403(shared, fresh_index):
    index = fresh_index()
    shared.client.indices.put_settings(
        index=index, settings={"blocks": {"write": True, "read_only_allow_delete": True}}
    )
    with pytest.raises(ApiError) as failed:
        shared.client.index(index=index, document={})
    assert failed.value.status_code == 403
    assert failed.value.body["error"]["reason"].endswith(f"[FORBIDDEN/8/index write (api), {DISK}];")


def test_a_bulk_tells_every_document_of_a_full_disk_and_stores_the_others(shared, fresh_index):
    full, other = fresh_index(), fresh_index()
    block(shared.client, full, "read_only_allow_delete", value=True)
    answer = shared.client.bulk(
        operations=[{"index": {"_index": full}}, {"a": 1}, {"index": {"_index": other}}, {"a": 1}]
    )
    assert [item["index"]["status"] for item in answer["items"]] == [429, 201]
    assert answer["items"][0]["index"]["error"]["type"] == "cluster_block_exception"


def test_a_source_that_may_not_be_read_fails_its_reindex(shared, fresh_index):
    source, dest = fresh_index(documents=[{"a": 1}]), fresh_index()
    block(shared.client, source, "read", value=True)
    task = shared.client.reindex(source={"index": source}, dest={"index": dest}, wait_for_completion=False)[
        "task"
    ]
    ended = until(lambda: (found := shared.client.tasks.get(task_id=task))["completed"] and found, "the end")
    assert ended["error"]["type"] == "cluster_block_exception"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [("wriet", True, "unknown setting"), ("write", "yes", "only \\[true\\] or \\[false\\] are allowed")],
)
def test_an_unknown_block_is_refused(shared, fresh_index, name, value, problem):
    with pytest.raises(ApiError, match=problem):
        block(shared.client, fresh_index(), name, value)
