"""The index of films that the tests of reindex copy, and the calls that they share."""

from elasticsearch import helpers

ELSER = ".elser_model_2"
MAPPINGS = {"properties": {"embedding": {"type": "sparse_vector"}}}


def fill(client, count):
    actions = [{"_index": "films", "_id": str(n), "plot": f"film {n}", "n": n} for n in range(count)]
    helpers.bulk(client, actions, refresh=True)


def reason(error):
    return error.value.body["error"]["reason"]


def copy(client, dest=None, source=None, **given):
    return client.reindex(
        source={"index": "films", **(source or {})}, dest={"index": "copy", **(dest or {})}, **given
    )


def finished(client, task):
    return client.tasks.get(task_id=task, wait_for_completion=True, timeout="60s")
