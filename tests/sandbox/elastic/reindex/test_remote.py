"""Reindex from a remote cluster: only one that is whitelisted, with its own credentials. The stand-in reads from itself here."""

from __future__ import annotations

import pytest
from elasticsearch import ApiError, BadRequestError


@pytest.fixture
def remote(server):
    """The `remote` of a source that names the stand-in itself: `remote(headers={})`."""
    node = next(iter(server.transport.node_pool.all()))
    headers = {"Authorization": server._headers["authorization"]}
    host = f"http://127.0.0.1:{node.port}"
    return lambda **more: {"host": host, "headers": headers, **more}


def copied(client, remote, **body):
    source = {"remote": remote, "index": "films", **body.pop("source", {})}
    return client.reindex(source=source, dest={"index": "copy"}, refresh=True, **body)


def test_documents_come_from_the_other_cluster_in_pages(filled, remote):
    client = filled(25)
    answer = copied(client, remote(), source={"size": 10})
    assert (answer["created"], answer["batches"]) == (25, 3)
    assert client.count(index="copy")["count"] == 25
    first = client.get(index="films", id="1")["_source"]
    assert client.get(index="copy", id="1")["_source"] == first


def test_a_query_and_a_part_of_the_source_are_taken_there(filled, remote):
    client = filled(10)
    query = {"ids": {"values": ["1", "2"]}}
    assert copied(client, remote(), source={"query": query, "_source": ["title"]})["created"] == 2
    assert set(client.get(index="copy", id="1")["_source"]) <= {"title"}
    nothing = copied(client, remote(), source={"query": {"match_none": {}}})
    assert nothing["total"] == 0


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"host": "http://elsewhere.example.org:9200"}, 400, r"\[elsewhere.example.org:9200\] not whitelisted in reindex.remote.whitelist"),
        ({"host": "127.0.0.1"}, 400, r"must be of the form \[scheme\]://\[host\]:\[port\]"),
        ({"headers": {}}, 401, "missing authentication credentials"),
        ({"host": "http://127.0.0.1:1"}, 500, "refused"),
        ({"proxy": "x"}, 400, r"unknown field \[proxy\]"),
    ],
    ids=["not whitelisted", "no port", "no credentials", "nobody there", "an unknown field"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(filled, remote, change, status, said):
    with pytest.raises(ApiError, match=said) as refused:
        copied(filled(2), remote(**change))
    assert refused.value.status_code == status


def test_slices_of_a_remote_source_are_refused(filled, remote):
    with pytest.raises(BadRequestError, match="doesn't support slices > 1 but was"):
        copied(filled(2), remote(), slices=2)
