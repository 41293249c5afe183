"""Documents copied with their passages: each once, whatever an earlier run left, and embedded by the repair."""

from __future__ import annotations

import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.connection.clients import connect, connect_unrounded
from tasks.elastic.indices.indices import ensure_index, remove_index
from tasks.elastic.indices.passages import passage_pipeline, passages_field
from tasks.elastic.indices.pipelines import FAILURE_FIELD, ensure_pipeline, remove_pipeline
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.passages import apply_passages_copy
from tasks.elastic.reindex.repair import apply_repair
from tasks.elastic.specs import IndexSpec, embedded_properties
from tasks.elastic.verification.verification import verify_completeness

FIELD = passages_field("text")
FAST = BatchPlan(size=50, slices=1, per_second=100.0, lowered=())


@pytest.fixture
def copy(settings, deployed, name):
    """A source of 12 documents of two passages each, and the new index that is made of it."""
    client, dest = connect(settings), f"{name}-dest"
    bulk(
        client,
        ({"_index": name, "_id": str(n), "text": f"Film number {n}. It ends.", "year": n} for n in range(12)),
        refresh=True,
    )
    ensure_pipeline.fn(settings, passage_pipeline(name, deployed, (FIELD,)))
    properties = embedded_properties((FIELD,), failure=FAILURE_FIELD)
    properties["year"] = {"type": "byte"}
    ensure_index.fn(settings, IndexSpec(name=dest, properties=properties, replicas=0))
    yield ReindexSpec(source=name, dest=dest, pipeline=name, deployment_id=deployed, fields=(FIELD,))
    remove_index.fn(settings, dest)
    remove_pipeline.fn(settings, name)
    client.indices.delete(index=name)


def test_what_is_there_is_neither_copied_nor_embedded_again(settings, copy, deadline, deployed):
    client = connect(settings)
    done = apply_passages_copy.fn(settings, copy, 3, deadline)
    assert (done.copied.documents, done.copied.wanted, done.passages, done.of_a_document) == (12, 12, 24, 2.0)
    before = read_deployment.fn(settings, deployed).inferences
    assert apply_repair.fn(settings, copy, FAST, deadline).repaired == 12
    assert read_deployment.fn(settings, deployed).inferences == before + 24
    version = client.get(index=copy.dest, id="0")["_version"]

    client.delete(index=copy.dest, id="7")
    again = apply_passages_copy.fn(settings, copy, 3, deadline)
    assert again.copied.documents == 12
    assert apply_repair.fn(settings, copy, FAST, deadline).repaired == 1
    assert client.get(index=copy.dest, id="0")["_version"] == version
    assert verify_completeness.fn(settings, copy.dest, (FIELD,), wanted=12).unembedded == 0


def test_a_document_that_the_new_index_refuses_is_named_and_stops_no_other(settings, copy, deadline):
    connect(settings).index(index=copy.source, id="late", document={"text": "A film.", "year": 1999})
    done = apply_passages_copy.fn(settings, copy, 3, deadline).copied
    assert (done.documents, done.wanted) == (12, 13)
    (refused,) = done.refused
    assert (refused.id, refused.type) == ("late", "document_parsing_exception")


def test_every_number_of_a_document_is_copied_as_it_is_written(settings, copy, deadline):
    numbers = (
        '"price": 0.12345678901234567890123, "whole": 123456789012345678901234567890, "e": 1.50e3, "n": -0'
    )
    document = f'{{"text": "A film.", "more": {{{numbers}}}}}'
    connect(settings).bulk(
        index=copy.source, operations=['{"index": {"_id": "exact"}}', document], refresh=True
    )
    apply_passages_copy.fn(settings, copy, 3, deadline)
    found = connect_unrounded(settings).get(index=copy.dest, id="exact")["_source"]["more"]
    assert {name: str(value) for name, value in found.items()} == {
        "price": "0.12345678901234567890123",
        "whole": "123456789012345678901234567890",
        "e": "1500.0",
        "n": "-0",
    }


def test_a_batch_is_as_many_documents_as_their_passages_allow(settings, copy):
    plan = read_batch_plan.fn(settings, copy, per_second=2.0, passages=40.0)
    assert plan.size == 120, "a minute of work"
    by_passage = read_batch_plan.fn(settings, copy, passages=40.0)
    whole = read_batch_plan.fn(settings, copy, passages=1.0)
    assert by_passage.per_second < whole.per_second
