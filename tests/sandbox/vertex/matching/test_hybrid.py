"""Sparse and hybrid datapoints and queries, over both query protocols."""

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from protos import match_service as container
from tests.polling import until
from tests.sandbox.vertex.rows import ROWS, datapoint, find, ids, match, upsert

EMPTY = {"values": [], "dimensions": []}
# Rows 0 to 19 are dense, 20 to 39 hybrid, 40 to 59 sparse. Each sparse one has four of these dimensions.
DIMENSIONS = [3, 70, 900, 2**40, 17, 5]
SPARSE = np.zeros((60, 6))
for _row in range(20, 60):
    SPARSE[_row, [(_row + step) % 6 for step in range(4)]] = (
        np.random.default_rng(_row).normal(size=4).astype("f4")
    )
QUERY = {70: 1.0, 2**40: -0.5}
PRODUCTS = SPARSE @ [QUERY.get(dimension, 0.0) for dimension in DIMENSIONS]
SHARING = [row for row in range(60) if SPARSE[row, 1] or SPARSE[row, 3]]


def sparse(row):
    there = np.flatnonzero(SPARSE[row])
    return {"values": SPARSE[row, there].tolist(), "dimensions": [DIMENSIONS[each] for each in there]}


def point(row):
    fields = {"sparse_embedding": sparse(row)} if row >= 20 else {}
    return datapoint(row, **fields) if row < 40 else datapoint(row, **fields, feature_vector=[])


@pytest.fixture(scope="module")
def served(clients):
    """A brute-force index with all three kinds of datapoints, over a public and a private endpoint."""
    index = clients.index(8)
    upsert(clients, index, *(point(row) for row in range(60)))
    public, private = clients.public(index), clients.private(index)
    until(lambda: clients.indexes.get_index(name=index).index_stats.sparse_vectors_count == 40)
    return index, public, private


def ask(clients, served, *, dense=None, sparse=None, alpha=None, count=10, tags=0, allow=()):
    """(id, distance, sparse distance) of each neighbor: the same over both protocols."""
    _, public, private = served
    vector = [] if dense is None else ROWS[dense].tolist()
    values, dimensions = list((sparse or {}).values()), list((sparse or {}).keys())
    query = {
        "datapoint": {
            "feature_vector": vector,
            "sparse_embedding": {"values": values, "dimensions": dimensions},
            "restricts": [{"namespace": "class", "allow_list": list(allow)}],
        },
        "neighbor_count": count,
        "per_crowding_attribute_neighbor_count": tags,
        **({} if alpha is None else {"rrf": {"alpha": alpha}}),
    }
    (found,) = find(clients, public, query)
    shown = [(each.datapoint.datapoint_id, each.distance, each.sparse_distance) for each in found.neighbors]
    answer = match(
        private,
        vector,
        sparse_embedding=container.SparseEmbedding(float_val=values, dimension=dimensions),
        num_neighbors=count,
        per_crowding_attribute_num_neighbors=tags,
        restricts=[container.Namespace(name="class", allow_tokens=list(allow))],
        **({} if alpha is None else {"rrf": container.MatchRequest.RRF(alpha=alpha)}),
    )
    assert [(each.id, each.distance, each.sparse_distance) for each in answer.neighbor] == shown
    return shown


def dense_ranking(query, rows=range(40)):
    return sorted(rows, key=lambda row: (-float(ROWS[row].astype("f8") @ ROWS[query].astype("f8")), row))


def sparse_ranking(rows=SHARING):
    return sorted(rows, key=lambda row: (-PRODUCTS[row], row))


def fused_ranking(dense, sparse, alpha):
    scores = dict.fromkeys([*dense, *sparse], 0.0)
    for weight, ranking in ((alpha, dense), (1 - alpha, sparse)):
        for rank, row in enumerate(ranking, start=1):
            scores[row] += weight / rank
    return sorted(scores, key=lambda row: (-scores[row], row))


def names(found):
    return [int(name) for name, _, _ in found]


def test_dense_and_sparse_vectors_are_counted_apart(clients, served):
    stats = clients.indexes.get_index(name=served[0]).index_stats
    assert (stats.vectors_count, stats.sparse_vectors_count) == (40, 40)


def test_a_dense_query_never_finds_a_sparse_only_datapoint(clients, served):
    assert names(ask(clients, served, dense=50, count=60)) == dense_ranking(50)


def test_a_sparse_query_ranks_what_shares_a_dimension_by_dot_product(clients, served):
    found = ask(clients, served, sparse=QUERY, count=60)
    assert names(found) == sparse_ranking()
    assert [far for _, _, far in found] == pytest.approx(PRODUCTS[names(found)].tolist())
    assert {distance for _, distance, _ in found} == {0.0}
    assert names(ask(clients, served, sparse=QUERY, count=3)) == sparse_ranking()[:3]
    assert ask(clients, served, sparse={12345: 1.0}) == []


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_a_hybrid_query_merges_both_rankings_by_reciprocal_rank(clients, served, alpha):
    dense, sparse = dense_ranking(1)[:10], sparse_ranking()[:10]
    found = ask(clients, served, dense=1, sparse=QUERY, alpha=alpha)
    assert names(found) == fused_ranking(dense, sparse, float(np.float32(alpha)))[:10]
    for row, distance, product in [(int(name), *far) for name, *far in found]:
        assert distance == pytest.approx(float(ROWS[row] @ ROWS[1]) if row in dense else 0, abs=1e-5)
        assert product == pytest.approx(PRODUCTS[row] if row in sparse else 0)


@pytest.mark.parametrize(("alpha", "part"), [(None, "dense"), (1, "dense"), (0, "sparse")])
def test_at_the_ends_of_alpha_only_one_part_of_a_hybrid_query_counts(clients, served, alpha, part):
    alone = {"dense": {"dense": 1}, "sparse": {"sparse": QUERY}}[part]
    both = ask(clients, served, dense=1, sparse=QUERY, alpha=alpha)
    assert both == ask(clients, served, **alone)


def test_an_empty_part_is_none_whatever_ranking_comes_with_it(clients, served):
    alone = ask(clients, served, dense=3)
    for alpha in (0.5, 1):
        assert ask(clients, served, dense=3, alpha=alpha) == alone
    assert ask(clients, served, sparse=QUERY, alpha=0.5) == ask(clients, served, sparse=QUERY)


def test_filters_and_crowding_apply_to_both_parts(clients, served):
    allowed = [str(row) for row in range(15, 55)]
    dense = dense_ranking(1, range(15, 40))[:10]
    sparse = sparse_ranking([row for row in SHARING if row < 55])[:10]
    found = ask(clients, served, dense=1, sparse=QUERY, alpha=0.5, allow=allowed)
    assert names(found) == fused_ranking(dense, sparse, 0.5)[:10]

    def crowded(ranking):
        return sorted((next(row for row in ranking if row % 2 == tag) for tag in (0, 1)), key=ranking.index)

    lists = (crowded(ranking) for ranking in (dense_ranking(1), sparse_ranking()))
    merged = crowded(fused_ranking(*lists, 0.5))
    found = ask(clients, served, dense=1, sparse=QUERY, alpha=0.5, tags=1)
    assert names(found) == merged
    assert {int(name) % 2 for name, _, _ in ask(clients, served, sparse=QUERY, tags=1)} == {0, 1}


def test_sparse_embeddings_come_back_as_they_were_sent(clients, served):
    _, public, private = served
    request = {"index_endpoint": public[0], "deployed_index_id": public[1], "ids": ["5", "25", "45"]}
    read = clients.match.read_index_datapoints(request=request).datapoints
    sent = [v1.IndexDatapoint(point(row)) for row in (5, 25, 45)]
    assert [v1.IndexDatapoint.to_dict(each) for each in read] == [
        v1.IndexDatapoint.to_dict(each) for each in sent
    ]
    (full,) = find(clients, public, {"datapoint": {"datapoint_id": "45"}}, return_full_datapoint=True)
    assert sent[2] in [each.datapoint for each in full.neighbors]
    asked = container.BatchGetEmbeddingsRequest(deployed_index_id=private[1], id=["5", "25", "45"])
    embeddings = private[0].BatchGetEmbeddings(asked).embeddings
    assert [len(each.float_val) for each in embeddings] == [8, 8, 0]
    assert [list(each.sparse_embedding.dimension) for each in embeddings] == [
        [],
        *(sparse(row)["dimensions"] for row in (25, 45)),
    ]
    assert list(embeddings[1].sparse_embedding.float_val) == sparse(25)["values"]


def test_a_query_by_id_uses_the_vectors_that_the_datapoint_has(clients, served):
    _, public, private = served

    def by_id(name, **fields):
        (found,) = find(clients, public, {"datapoint": {"datapoint_id": name}, **fields})
        shown = [each.datapoint.datapoint_id for each in found.neighbors]
        rrf = {key: container.MatchRequest.RRF(**value) for key, value in fields.items()}
        assert ids(match(private, [], embedding_id=name, **rrf)) == shown
        return [int(each) for each in shown]

    own = dict(zip(sparse(45)["dimensions"], sparse(45)["values"], strict=True))
    assert by_id("45") == names(ask(clients, served, sparse=own))
    assert by_id("25") == dense_ranking(25)[:10]
    own = dict(zip(sparse(25)["dimensions"], sparse(25)["values"], strict=True))
    both = ask(clients, served, dense=25, sparse=own, alpha=0.5)
    assert by_id("25", rrf={"alpha": 0.5}) == names(both)


def test_an_upsert_without_one_of_the_vectors_removes_that_one(clients):
    index = clients.index(8)
    upsert(clients, index, point(25), point(26))
    upsert(clients, index, {**point(25), "feature_vector": []}, {**point(26), "sparse_embedding": EMPTY})
    upsert(clients, index, point(27), point(28))

    def counts():
        stats = clients.indexes.get_index(name=index).index_stats
        return stats.vectors_count, stats.sparse_vectors_count

    until(lambda: counts() == (3, 3))  # else 4 of one or of both


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"sparse_embedding": {"values": [1, 2], "dimensions": [1]}}, "2 values for 1 dimensions"),
        ({"sparse_embedding": {"values": [], "dimensions": [1]}}, "0 values for 1 dimensions"),
        ({"sparse_embedding": {"values": [1, 2], "dimensions": [1, -2]}}, "the dimension -2"),
        ({"sparse_embedding": {"values": [float("nan")], "dimensions": [1]}}, "NaN or infinity"),
        ({"feature_vector": [], "sparse_embedding": EMPTY}, "has 0 dimensions"),
        ({"feature_vector": [1.0], "sparse_embedding": {"values": [1], "dimensions": [1]}}, "has 1 dim"),
    ],
    ids=["values", "no values", "negative", "NaN", "neither", "short dense beside a sparse one"],
)
def test_a_wrong_sparse_embedding_refuses_the_upsert_and_the_query(clients, served, fields, problem):
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        upsert(clients, served[0], datapoint(0, **fields))
    vector = fields.get("feature_vector", ROWS[0].tolist())
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        find(clients, served[1], {"datapoint": {"feature_vector": vector, **fields}})


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"dense": 1, "alpha": 0}, "only the sparse embedding counts"),
        ({"sparse": QUERY, "alpha": 1}, "only the dense embedding counts"),
        ({"dense": 1, "sparse": QUERY, "alpha": 1.5}, "between 0 and 1"),
        ({"dense": 1, "sparse": QUERY, "alpha": float("nan")}, "between 0 and 1"),
    ],
    ids=["dense with 0", "sparse with 1", "beyond 1", "NaN"],
)
def test_a_ranking_that_leaves_nothing_is_refused(clients, served, query, problem):
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        ask(clients, served, **query)


def test_a_batch_of_which_nothing_can_be_answered_fails_as_a_call(served):
    stub, deployed = served[2]
    wrong = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2])
    group = container.BatchMatchRequest.BatchMatchRequestPerIndex(
        deployed_index_id=deployed, requests=[wrong]
    )
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        stub.BatchMatch(container.BatchMatchRequest(requests=[group]))
