"""Data streams over the official client: written to by creation only, rolled over, read and deleted as one."""

import pytest
from elasticsearch import BadRequestError, NotFoundError
from elasticsearch.helpers import BulkIndexError, bulk

NAME = "s-logs"


@pytest.fixture
def stream(shared):
    """The client, with a template that creates data streams."""
    client = shared.client
    client.indices.put_index_template(
        name="s-logs",
        index_patterns=["s-*"],
        data_stream={},
        template={"mappings": {"properties": {"text": {"type": "text"}}}},
    )
    yield client
    client.indices.delete_data_stream(name="s-*")
    client.indices.delete_index_template(name="s-logs")


def events(*texts):
    return [
        {"_op_type": "create", "_index": NAME, "@timestamp": "2026-01-01", "text": text} for text in texts
    ]


def test_a_stream_is_made_by_its_first_document_and_read_as_one_after_its_rollover(stream):
    bulk(stream, events("a", "b"))
    rolled = stream.indices.rollover(alias=NAME).body
    bulk(stream, events("c"))
    stream.indices.refresh(index=NAME)
    (shown,) = stream.indices.get_data_stream(name=NAME)["data_streams"]
    names = [index["index_name"] for index in shown["indices"]]
    assert (shown["generation"], names) == (2, [rolled["old_index"], rolled["new_index"]])
    assert stream.count(index=NAME)["count"] == 3
    assert stream.count(index=names[1])["count"] == 1
    found = stream.indices.get(index=NAME)
    assert {index["data_stream"] for index in found.values()} == {NAME}
    assert found[names[0]]["mappings"]["_data_stream_timestamp"] == {"enabled": True}
    assert found[names[0]]["mappings"]["properties"]["@timestamp"] == {"type": "date"}


def test_a_stream_takes_new_documents_with_a_timestamp_only_and_keeps_the_index_that_it_writes_to(stream):
    stream.indices.create_data_stream(name=NAME)
    with pytest.raises(BadRequestError, match="only write ops with an op_type of create"):
        stream.index(index=NAME, document={"@timestamp": "2026-01-01"}, op_type="index", id="1")
    with pytest.raises(BulkIndexError) as failed:
        bulk(stream, [{"_op_type": "create", "_index": NAME, "text": "no time"}])
    assert "data stream timestamp field [@timestamp] is missing" in str(failed.value.errors)
    with pytest.raises(BadRequestError, match="that creates data streams only"):
        stream.indices.create(index="s-other")
    with pytest.raises(BadRequestError, match="matches a data stream"):
        stream.indices.delete(index=NAME)
    with pytest.raises(BadRequestError, match=rf"is the write index for data stream \[{NAME}\]"):
        stream.indices.delete(index=next(iter(stream.indices.get(index=NAME).body)))
    with pytest.raises(BadRequestError, match=r"data_stream \[s-logs\] already exists"):
        stream.indices.create_data_stream(name=NAME)
    with pytest.raises(NotFoundError, match="no such index"):
        stream.indices.rollover(alias="s-none")
    old = stream.indices.rollover(alias=NAME)["old_index"]
    stream.indices.delete(index=old)
    (shown,) = stream.indices.get_data_stream(name=NAME)["data_streams"]
    assert len(shown["indices"]) == 1
