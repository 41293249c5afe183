"""The recall of approximate searches against exact ones, in an index whose vectors have no order to find their way by."""

from __future__ import annotations

import numpy as np
import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.dense_vectors import VectorIndex
from tasks.elastic.indices.embeddings import Embedded, embedded_field
from tasks.elastic.indices.passages import passages_field
from tasks.elastic.specs import embedded_properties
from tasks.elastic.verification import neighbors
from tasks.elastic.verification.neighbors import read_own_texts, tried_candidates, verify_knn_recall
from tasks.errors import GateNotMet, InvalidInput
from tests.sandbox.models.test_e5 import runs_here

E5 = ".multilingual-e5-small-elasticsearch"
QUERIES = ("a shark", "a desert", "two friends")
DOCUMENTS = 250
pytestmark = [runs_here, pytest.mark.usefixtures("e5")]


def embedded(client, name, field, similarity="cosine"):
    mapping = VectorIndex(similarity=similarity).mapping(384)
    properties = embedded_properties((field,), failure="why", embedding=mapping)
    client.indices.create(index=name, mappings={"properties": properties})
    rows = np.random.default_rng(3).normal(size=(DOCUMENTS, 384))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32).tolist()
    bodies = (
        {field.output: row} if field.passages is None else {field.passages: [{"text": f"text {n}", "embedding": row}]}
        for n, row in enumerate(rows)
    )  # fmt: skip
    bulk(client, ({"_index": name, "_id": str(n), "plot": f"text {n}", **one} for n, one in enumerate(bodies)), refresh=True)  # fmt: skip
    return Embedded(
        index=name, source="", query=None, pipeline="", deployment=E5, search_deployment=E5, fields=(field,), kind="dense-vector",
    )  # fmt: skip


@pytest.fixture
def client(settings, name):
    yield connect(settings)
    connect(settings).indices.delete(index=name)


@pytest.mark.parametrize("similarity", ["cosine", "dot_product", "l2_norm", "max_inner_product"])
def test_recall_rises_with_the_candidates_until_every_vector_is_compared(settings, client, name, similarity):
    field = embedded_field("plot")
    index = embedded(client, name, field, similarity)
    report = verify_knn_recall.fn(settings, name, index, field, QUERIES, tried=(10, DOCUMENTS))
    few, usual, all_ = report.measured
    assert [one.num_candidates for one in report.measured] == [10, 100, DOCUMENTS]
    assert few.recall <= usual.recall <= all_.recall == 1
    assert few.recall < 1
    assert (few.k, few.queries) == (10, 3)
    assert 0 < few.p50 <= few.p90
    assert [one["recall"] for one in report.facts["recall_by_candidates"]] == [few.recall, usual.recall, 1]


def test_documents_in_passages_are_compared_by_their_best_one(settings, client, name):
    field = passages_field("plot")
    index = embedded(client, name, field)
    report = verify_knn_recall.fn(settings, name, index, field, QUERIES, tried=(DOCUMENTS,))
    assert report.measured[-1].recall == 1
    assert read_own_texts.fn(settings, name, field, 2) == ("text 0", "text 1")


def test_a_recall_below_the_gate_fails_with_every_number_that_was_measured(
    settings, client, name, monkeypatch
):
    monkeypatch.setattr(neighbors, "candidates", lambda k: k)
    field = embedded_field("plot")
    index = embedded(client, name, field)
    with pytest.raises(GateNotMet, match=r"recall@10 of kNN .* num_candidates=10.*at least 1") as failed:
        verify_knn_recall.fn(settings, name, index, field, QUERIES, tried=(50,), min_recall=1)
    assert [one["num_candidates"] for one in failed.value.facts["recall_by_candidates"]] == [10, 50]
    assert failed.value.facts["exact"]["p50"] > 0


@pytest.mark.parametrize("number", [9, 10_001])
def test_candidates_are_at_least_as_many_as_hits_and_no_more_than_the_service_takes(settings, number):
    with pytest.raises(InvalidInput, match=rf"{number:,}|{number}.*--num-candidates.*10.*10,000"):
        verify_knn_recall.fn(settings, "x", None, None, QUERIES, tried=(number,))


def test_what_is_tried_is_within_the_limits_and_has_what_a_search_asks_for():
    assert tried_candidates(10) == (10, 20, 50, 100, 500)
    assert tried_candidates(1000) == (1000, 2000, 5000, 10_000)
