"""Exact neighbors of sparse vectors and of hybrid queries, against their definitions written out."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.measures import sparse_neighbors
from tasks.measures.fusion import fused_neighbors
from tasks.measures.nearest import ExactNeighbors
from tasks.measures.recall import recall_by_query
from tasks.measures.sparse_neighbors import exact_sparse_neighbors

# Whole numbers make every product exact and ties frequent; a dimension may repeat, and a value may be zero.
vector = st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), max_size=6)


def csr(vectors):
    flat = [pair for each in vectors for pair in each]
    return SimpleNamespace(
        begins=np.cumsum([0, *map(len, vectors)]),
        dimensions=np.array([dimension for dimension, _ in flat], np.int64),
        values=np.array([value for _, value in flat], np.float32),
    )


def in_blocks(rows, size):
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        ids = [f"id-{start + n}" for n in range(len(some))]
        yield SimpleNamespace(first_row=start, ids=ids, sparse=csr(some))


def reference(rows, query, k):
    """(minus the dot product, row) of the rows that share a dimension, sorted."""
    scored = []
    for number, row in enumerate(rows):
        products = [a * b for dimension, a in row for other, b in query if dimension == other]
        if products:
            scored.append((-sum(products), number))
    return sorted(scored)[:k]


@settings(max_examples=150)
@given(st.lists(vector, min_size=1, max_size=25), st.lists(vector, min_size=1, max_size=4), st.integers(1, 8), st.integers(1, 25), st.integers(1, 9))  # fmt: skip
def test_it_finds_what_comparing_all_pairs_finds_and_breaks_ties_by_row(rows, queries, k, size, parts):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_QUERIES_AT_ONCE", "_TABLE", "_PRODUCTS"):
            patch.setattr(sparse_neighbors, name, parts)
        found = exact_sparse_neighbors(in_blocks(rows, size), csr(queries), k)
    for number, query in enumerate(queries):
        wanted = reference(rows, query, k)
        assert found.ids[number] == [f"id-{row}" for _, row in wanted]
        padding = found.distances.shape[1] - len(wanted)
        assert found.distances[number].tolist() == [distance for distance, _ in wanted] + [np.inf] * padding
        assert found.rows[number].tolist() == [row for _, row in wanted] + [-1] * padding


def test_real_numbers_have_the_products_that_scipy_has():
    rng = np.random.default_rng(5)
    rows, queries = (scipy.sparse.random_array((size, 3000), density=0.01, format="csr", rng=rng, dtype="f4") for size in (900, 7))  # fmt: skip
    parts = [SimpleNamespace(begins=m.indptr, dimensions=m.indices, values=m.data) for m in (rows, queries)]
    block = SimpleNamespace(first_row=0, ids=[str(row) for row in range(900)], sparse=parts[0])
    found = exact_sparse_neighbors([block], parts[1], 20)
    products = (queries.astype("f8") @ rows.T.astype("f8")).toarray()
    assert found.rows.tolist() == np.argsort(-products, axis=1, kind="stable")[:, :20].tolist()
    np.testing.assert_allclose(-found.distances, -np.sort(-products, axis=1)[:, :20], rtol=1e-12)


@pytest.mark.parametrize(("queries", "k"), [([[(1, 1)]], 0), ([], 1)])
def test_nothing_to_look_for_is_refused(queries, k):
    with pytest.raises(ValueError, match="queries"):
        exact_sparse_neighbors([], csr(queries), k)


def test_a_query_with_fewer_neighbors_than_k_is_measured_by_those():
    truth = exact_sparse_neighbors(
        in_blocks([[(1, 2)], [(2, 1)], [(1, 1)]], 3), csr([[(1, 1)], [(2, 1), (1, 1)]]), 10
    )
    assert truth.ids == [["id-0", "id-2"], ["id-0", "id-1", "id-2"]]
    assert recall_by_query([["id-2", "id-0"], ["id-0", "other", "id-1"]], truth, 10) == [1.0, 2 / 3]


def ranked(*ids):
    rows = np.array([[int(id_) for id_ in ids]])
    return ExactNeighbors(rows, -1.0 / (1 + np.arange(len(ids)))[None, :], [list(ids)])


@pytest.mark.parametrize(
    ("alpha", "constant", "scores"),
    [
        (0.5, 0, {"1": 0.5 / 1 + 0.5 / 3, "2": 0.5 / 2 + 0.5 / 1, "3": 0.5 / 3, "4": 0.5 / 2}),
        (0.5, 60, {"1": 0.5 / 61 + 0.5 / 63, "2": 0.5 / 62 + 0.5 / 61, "3": 0.5 / 63, "4": 0.5 / 62}),
        (0.9, 0, {"1": 0.9 / 1 + 0.1 / 3, "2": 0.9 / 2 + 0.1 / 1, "3": 0.9 / 3, "4": 0.1 / 2}),
        (1, 0, {"1": 1, "2": 1 / 2, "3": 1 / 3}),
        (0, 0, {"2": 1, "4": 1 / 2, "1": 1 / 3}),
    ],
)
def test_a_hybrid_ranking_sums_the_weighted_reciprocals_of_both_ranks(alpha, constant, scores):
    dense, sparse = ranked("1", "2", "3", "7"), ranked("2", "4", "1", "8")
    found = fused_neighbors(dense, sparse, 3, alpha=alpha, rank_constant=constant)
    assert found.ids == [sorted(scores, key=lambda id_: -scores[id_])]
    np.testing.assert_allclose(found.distances[0], sorted(-score for score in scores.values()), rtol=1e-12)
    assert found.rows.tolist() == [[int(id_) for id_ in found.ids[0]]]
