"""Dense, sparse and hybrid queries through both kinds of endpoint; the exact answers are written down by hand."""

import dataclasses
import re

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.errors import DeadlinePassed
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import parse_restricts
from tasks.vertex.datapoints.sparse import SparseVector, parse_sparse_vector
from tasks.vertex.queries.namespaces import no_vectors, read_namespaces
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import read_datapoints, read_neighbors
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts
from tasks.waiting import Deadline

FAR = 2**40
DENSE = {"dense": (4, 0), "both": (3, 0), "near": (2, 0)}
SPARSE = {"sparse": f"7:4,{FAR}:1", "both": f"7:2,{FAR}:-1", "near": "7:3", "elsewhere": "8:9,8:1"}
QUERY = {"vector": np.array([1, 0], "f4"), "sparse_vector": parse_sparse_vector(f"7:1,{FAR}:0.5")}
"""Dense 4, 3, 2 for dense, both, near; sparse 4.5, 3, 1.5 for sparse, near, both; elsewhere shares nothing."""


@pytest.fixture(scope="module", params=["public", "vpc"])
def mixed(request, serve, settings):
    served = serve(request.param, dimensions=2)
    points = [
        Datapoint(
            id=id_,
            vector=DENSE.get(id_),
            sparse_embedding=parse_sparse_vector(SPARSE[id_]) if id_ in SPARSE else None,
            restricts=parse_restricts([f"name={id_}"]),
        )
        for id_ in {**DENSE, **SPARSE}
    ]
    deadline = Deadline.after(seconds=30)
    apply_upserts.fn(settings, served, points, deadline)
    wait_for_datapoints.fn(settings, served, points, deadline)
    return served


def ask(settings, served, *parts, **query):
    asked = Query(**{part: QUERY[part] for part in parts}, **query)
    return [
        (n.id, n.distance, n.sparse_distance)
        for n in read_neighbors.fn(settings, served, [asked]).neighbors[0]
    ]


def ids(found):
    return [id_ for id_, _, _ in found]


def test_a_dense_query_ranks_by_the_dense_vectors(settings, mixed):
    assert ask(settings, mixed, "vector") == [("dense", 4, 0), ("both", 3, 0), ("near", 2, 0)]


def test_a_sparse_query_ranks_by_the_sparse_dot_product(settings, mixed):
    assert ask(settings, mixed, "sparse_vector") == [("sparse", 0, 4.5), ("near", 0, 3), ("both", 0, 1.5)]


@pytest.mark.parametrize(
    ("alpha", "ranked"),
    [
        (1, ["dense", "both", "near"]),
        (0.9, ["dense", "both", "near", "sparse"]),
        (0.2, ["sparse", "near", "both", "dense"]),
        (0, ["sparse", "near", "both"]),
    ],
)
def test_a_hybrid_query_weighs_both_rankings_with_alpha(settings, mixed, alpha, ranked):
    found = ask(settings, mixed, "vector", "sparse_vector", alpha=alpha)
    assert ids(found) == ranked
    if 0 < alpha < 1:
        assert set(found) == {("dense", 4, 0), ("both", 3, 1.5), ("near", 2, 3), ("sparse", 0, 4.5)}


def test_a_stored_datapoint_asks_with_its_dense_vector_or_with_both(settings, mixed):
    assert ids(ask(settings, mixed, datapoint_id="both")) == ["dense", "both", "near"]
    assert "sparse" in ids(ask(settings, mixed, datapoint_id="both", alpha=0.5))
    assert ids(ask(settings, mixed, datapoint_id="sparse")) == ["sparse", "near", "both"]


def test_sparse_queries_are_filtered_too(settings, mixed):
    only = parse_restricts(["name=near"])
    assert ask(settings, mixed, "sparse_vector", restricts=only) == [("near", 0, 3)]


def test_the_scores_are_those_that_were_asked_for(settings, mixed):
    def said(**fields):
        query = Query(**fields)
        return (
            read_neighbors.fn(settings, mixed, [query]).neighbors[0][0].scores(query, mixed.distance_measure)
        )

    dense, sparse = {"vector": QUERY["vector"]}, {"sparse_vector": QUERY["sparse_vector"]}
    assert said(**dense) == {"dot product": 4}
    assert said(**sparse) == {"sparse dot product": 4.5}
    assert said(**dense, **sparse, alpha=0.9) == {"dot product": 4, "sparse dot product": 0}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"vector": [1, 0], "sparse_vector": QUERY["sparse_vector"]}, "needs alpha"),
        ({"vector": [1, 0], "alpha": 0.5}, "has one of them"),
        ({"sparse_vector": QUERY["sparse_vector"], "alpha": 0.5}, "has one of them"),
        ({"sparse_vector": QUERY["sparse_vector"], "datapoint_id": "a"}, "give either"),
        ({"alpha": 0.5}, "give either"),
        ({"datapoint_id": "a", "alpha": 1.5}, "less than or equal to 1"),
        ({"datapoint_id": "a", "alpha": float("nan")}, "finite"),
    ],
)  # fmt: skip
def test_a_query_that_would_leave_a_part_out_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        Query(**fields)


def test_sparse_vectors_read_back_as_sent_with_repeated_dimensions(settings, mixed):
    there = {point.id: point for point in read_datapoints.fn(settings, mixed, [*DENSE, *SPARSE])}
    assert there["elsewhere"].vector is None
    assert there["elsewhere"].sparse_embedding.is_same(SparseVector(values=[10], dimensions=[8]))
    assert there["both"].sparse_embedding == parse_sparse_vector(SPARSE["both"])
    assert there["dense"].sparse_embedding is None


@pytest.mark.parametrize(
    "other", [None, parse_sparse_vector("7:2"), parse_sparse_vector(f"7:2,{FAR}:-2")], ids=str
)
def test_another_sparse_vector_is_not_as_sent(settings, mixed, other):
    sent = Datapoint(
        id="both", vector=DENSE["both"], sparse_embedding=other, restricts=parse_restricts(["name=both"])
    )
    with pytest.raises(DeadlinePassed, match="'both': other sparse vector"):
        wait_for_datapoints.fn(settings, mixed, [sent], Deadline.after(seconds=0.2))


@pytest.mark.parametrize(
    ("counts", "query", "said"),
    [
        ((5, 0), {"sparse_vector": QUERY["sparse_vector"]}, ["No datapoint of .* has a sparse embedding .*lag"]),
        ((0, 5), {"vector": [1, 0]}, ["No datapoint of .* has a dense vector .*lag"]),
        ((5, 4), {"sparse_vector": parse_sparse_vector("6:1,5:1")}, ["Of 4 datapoints with a sparse embedding none has a value in a dimension of the query .6, 5."]),
        ((0, 0), {**QUERY, "alpha": 0.5}, ["dense vector", "sparse embedding"]),
        ((5, 5), {"vector": [1, 0]}, []),
    ],
)  # fmt: skip
def test_an_empty_answer_says_which_vectors_are_not_there(mixed, counts, query, said):
    served = dataclasses.replace(mixed, vectors_count=counts[0], sparse_vectors_count=counts[1])
    reasons = no_vectors(served, Query(**query))
    assert len(reasons) == len(said)
    assert all(re.search(one, reason) for one, reason in zip(said, reasons, strict=True))


def test_a_sparse_query_of_a_dense_index_says_why_its_answer_is_empty(settings, serve):
    served = serve("public", dimensions=2)
    point = Datapoint(id="dense", vector=[1, 0])
    deadline = Deadline.after(seconds=30)
    apply_upserts.fn(settings, served, [point], deadline)
    wait_for_datapoints.fn(settings, served, [point], deadline)
    query = Query(sparse_vector=QUERY["sparse_vector"])
    assert read_neighbors.fn(settings, served, [query]).neighbors == ((),)
    said = " ".join(read_namespaces.fn(settings, served, query).reasons(query))
    assert "No datapoint of" in said
    assert "has a sparse embedding" in said
