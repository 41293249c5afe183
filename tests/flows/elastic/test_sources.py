"""`elastic embed` from a data stream, from several indices and from a query, also after a kill."""

from __future__ import annotations

import json

import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.indices.sources import read_sample
from tests.polling import until

pytestmark = pytest.mark.slow
ODD = {"term": {"kind.keyword": "odd"}}


def append(cluster, stream, rows):
    """Write documents into a data stream."""
    operations = (
        {"_op_type": "create", "_index": stream, "_id": row["id"], "@timestamp": "2026-01-01", **row}
        for row in rows
    )
    bulk(cluster.client, operations)
    cluster.client.indices.refresh(index=stream)


@pytest.fixture
def streaming(name):
    """Makes a data stream in a cluster, and removes it at the end: `streaming(cluster)` gives its name."""
    made = []

    def stream(cluster):
        made.append(cluster.client.indices)
        made[-1].put_index_template(name=name, index_patterns=[f"{name}.events"], data_stream={})
        made[-1].create_data_stream(name=f"{name}.events")
        return f"{name}.events"

    yield stream
    for indices in made:
        indices.delete_data_stream(name=f"{name}.events")
        indices.delete_index_template(name=name)


def test_a_data_stream_after_its_rollover_is_embedded_through_a_query_and_a_killed_run_goes_on(
    slow_cluster, elastic, embed, begin, kill, name, glosses, streaming
):
    cluster, stream = slow_cluster, streaming(slow_cluster)
    rows = [{**row, "kind": "even" if n % 2 else "odd"} for n, row in enumerate(glosses(160))]
    append(cluster, stream, rows[:80])
    cluster.client.indices.rollover(alias=stream)
    append(cluster, stream, rows[80:])
    wanted = [row for row in rows if row["kind"] == "odd"]
    before = cluster.inferences()
    options = ("--source-query", json.dumps(ODD), "--batch-size", 8)
    first = embed(cluster, stream, "gloss", *options, begin=begin)
    until(lambda: 0 < cluster.arrived(name) < len(wanted), "the first part of the documents")
    kill(first)
    for task in cluster.reindexes:
        cluster.client.tasks.cancel(task_id=task)
    until(lambda: not cluster.reindexes, "the end of the task")

    embed(cluster, stream, "gloss", *options)
    assert cluster.client.count(index=name)["count"] == len(wanted)
    assert cluster.unembedded(name, "gloss") == 0
    new = cluster.inferences() - before
    sample = read_sample.fn(cluster.settings, stream, ["gloss"], within=ODD)
    tried = {one["gloss"] for one in sample}
    assert {new[row["gloss"]] for row in wanted if row["gloss"] not in tried} == {1}
    elastic(cluster, "verify", "--name", name)
    writes = cluster.writes
    assert "Nothing to do" in embed(cluster, stream, "gloss", *options).err
    assert cluster.writes == writes


def test_several_indices_become_one_and_a_later_rollover_leads_to_another(
    cluster, embed, name, movies, streaming
):
    stream, other = streaming(cluster), cluster.store(f"{name}-source", movies[20:30])
    append(cluster, stream, movies[:10])
    source = f"{stream},{other}"
    said = embed(cluster, source, "plot").err
    assert other in said
    assert cluster.client.count(index=name)["count"] == 20
    (first,) = cluster.alias(name)
    cluster.client.indices.rollover(alias=stream)
    append(cluster, stream, movies[10:12])
    embed(cluster, source, "plot")
    assert cluster.alias(name) != [first]
    assert cluster.client.count(index=name)["count"] == 22
    append(cluster, stream, [{"id": movies[20]["id"], "plot": "the same id"}])
    refused = embed(cluster, source, "plot", code=2).error
    assert f"{movies[20]['id']} in " in refused
