"""Datapoints in and neighbors out: streaming and searching, over both query protocols."""

import time

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from protos import match_service as container
from tests.polling import until
from tests.sandbox.vertex.rows import ROWS, datapoint, find, ids, match, upsert


@pytest.fixture(scope="module")
def served(clients):
    """A brute-force index with ROWS, over a public and a private endpoint."""
    index = clients.index(8)
    upsert(clients, index, *(datapoint(row) for row in range(len(ROWS))))
    endpoint, deployed = clients.public(index)
    stub, private = clients.private(index)
    until(lambda: clients.indexes.get_index(name=index).index_stats.vectors_count == len(ROWS))
    return index, (endpoint, deployed), (stub, private)


def test_public_and_private_queries_find_the_same_nearest_first(clients, served):
    _, public, private = served
    query = ROWS[3]
    expected = np.argsort(-(ROWS @ query), kind="stable")[:10].tolist()
    found = find(clients, public, {"datapoint": {"feature_vector": query.tolist()}, "neighbor_count": 10})[0]
    assert [int(each.datapoint.datapoint_id) for each in found.neighbors] == expected
    assert found.neighbors[0].datapoint.crowding_tag.crowding_attribute in ("a", "b")
    assert not found.neighbors[0].datapoint.feature_vector
    response = match(private, query.tolist())  # ten, where the number is not said
    assert [int(name) for name in ids(response)] == expected
    assert response.neighbor[0].distance == pytest.approx(float((ROWS @ query).max()), rel=1e-6)


def test_a_query_by_id_uses_the_datapoints_own_vector(clients, served):
    _, public, private = served
    by_id = find(clients, public, {"datapoint": {"datapoint_id": "5"}, "neighbor_count": 3})[0]
    by_vector = match(private, ROWS[5].tolist(), num_neighbors=3)
    assert [each.datapoint.datapoint_id for each in by_id.neighbors] == ids(by_vector)
    assert ids(match(private, [], embedding_id="5", num_neighbors=3)) == ids(by_vector)
    with pytest.raises(exceptions.NotFound):
        find(clients, public, {"datapoint": {"datapoint_id": "nobody"}})


def test_full_datapoints_come_back_as_they_were_sent(clients, served):
    _, public, private = served
    found = find(clients, public, {"datapoint": {"datapoint_id": "4"}}, return_full_datapoint=True)[0]
    shown = next(each.datapoint for each in found.neighbors if each.datapoint.datapoint_id == "4")
    assert v1.IndexDatapoint.to_dict(shown) == v1.IndexDatapoint.to_dict(v1.IndexDatapoint(datapoint(4)))
    request = {"index_endpoint": public[0], "deployed_index_id": public[1], "ids": ["4", "nobody"]}
    read = clients.match.read_index_datapoints(request=request).datapoints
    assert [v1.IndexDatapoint.to_dict(each) for each in read] == [v1.IndexDatapoint.to_dict(shown)]
    asked = container.BatchGetEmbeddingsRequest(deployed_index_id=private[1], id=["4", "nobody"])
    (embedding,) = private[0].BatchGetEmbeddings(asked).embeddings
    assert np.array_equal(np.array(embedding.float_val, "f4"), ROWS[4])
    assert (embedding.restricts[0].name, list(embedding.restricts[0].allow_tokens)) == ("class", ["4"])
    embedded = match(private, ROWS[4].tolist(), num_neighbors=1, embedding_enabled=True)
    assert [each.id for each in embedded.embeddings] == ids(embedded)


def test_filters_and_crowding_narrow_the_answer(served):
    private = served[2]
    allowed = container.Namespace(name="class", allow_tokens=["1", "7"])
    assert set(ids(match(private, ROWS[0].tolist(), restricts=[allowed]))) == {"1", "7"}
    crowded = match(private, ROWS[0].tolist(), per_crowding_attribute_num_neighbors=1)
    assert {int(name) % 2 for name in ids(crowded)} == {0, 1}
    assert len(ids(crowded)) == 2
    assert len({each.crowding_attribute for each in crowded.neighbor}) == 2
    ignored = match(private, ROWS[0].tolist(), per_crowding_attribute_num_neighbors=11, num_neighbors=10)
    assert len(ids(ignored)) == 10


def test_a_batch_says_per_index_what_is_wrong(served):
    stub, deployed = served[2]
    right = container.MatchRequest(deployed_index_id=deployed, float_val=ROWS[0].tolist(), num_neighbors=2)
    wrong = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2])
    per_index = container.BatchMatchRequest.BatchMatchRequestPerIndex
    request = container.BatchMatchRequest(
        requests=[
            per_index(deployed_index_id=deployed, requests=[right, right]),
            per_index(deployed_index_id=deployed, requests=[wrong]),
        ]
    )
    good, bad = stub.BatchMatch(request).responses
    assert [len(each.neighbor) for each in good.responses] == [2, 2]
    assert (bad.status.code, len(bad.responses)) == (3, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"float_val": [1, 2]},
        {"num_neighbors": -1},
        {"fraction_leaf_nodes_to_search_override": 1.5},
        {"numeric_restricts": [container.NumericNamespace(name="cost", value_int=1)]},
    ],
    ids=["dimensions", "negative count", "more than all leaves", "no operator"],
)
def test_an_impossible_query_is_refused(served, fields):
    private = served[2]
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        match(private, fields.pop("float_val", ROWS[0].tolist()), **fields)


def test_an_upsert_replaces_the_whole_datapoint_and_with_a_mask_only_what_it_names(clients):
    index = clients.index(8)
    stub, deployed = clients.private(index)

    def read():
        asked = container.BatchGetEmbeddingsRequest(deployed_index_id=deployed, id=["0"])
        return list(stub.BatchGetEmbeddings(asked).embeddings)

    upsert(clients, index, datapoint(0))
    assert until(read)[0].restricts[0].allow_tokens[0] == "0"
    moved = {"datapoint_id": "0", "numeric_restricts": [{"namespace": "cost", "value_float": 0.5}]}
    upsert(clients, index, moved, update_mask={"paths": ["all_restricts"]})
    until(lambda: not read()[0].restricts)
    assert read()[0].numeric_restricts[0].value_float == 0.5
    assert np.array_equal(np.array(read()[0].float_val, "f4"), ROWS[0])
    titled = {"datapoint_id": "0", "embedding_metadata": {"title": "x"}, "feature_vector": [9.0] * 8}
    upsert(clients, index, titled, update_mask={"paths": ["embedding_metadata"]})
    until(lambda: read()[0].embedding_metadata.fields)
    assert read()[0].embedding_metadata["title"] == "x"
    assert read()[0].numeric_restricts[0].value_float == 0.5
    both = {"paths": ["all_restricts", "embedding_metadata"]}
    upsert(clients, index, {**moved, "embedding_metadata": {}}, update_mask=both)
    until(lambda: not read()[0].embedding_metadata.fields)
    assert np.array_equal(np.array(read()[0].float_val, "f4"), ROWS[0])
    with pytest.raises(exceptions.InvalidArgument, match="all_restricts, embedding_metadata"):
        upsert(clients, index, moved, update_mask={"paths": ["crowding_tag"]})
    upsert(clients, index, {"datapoint_id": "0", "feature_vector": ROWS[1].tolist()})
    until(lambda: not read()[0].numeric_restricts)
    assert read()[0].crowding_attribute == 0
    clients.indexes.remove_datapoints(request={"index": index, "datapoint_ids": ["0", "nobody"]})
    until(lambda: not read())


@pytest.mark.parametrize(
    "fields",
    [
        {"feature_vector": [1.0]},
        {"feature_vector": []},
        {"datapoint_id": ""},
        {"numeric_restricts": [{"namespace": "n", "value_int": 1, "op": 1}]},
        {"restricts": [{"namespace": "n"}, {"namespace": "n"}]},
    ],
    ids=["dimensions", "no vector", "no id", "operator", "namespace twice"],
)
def test_a_wrong_datapoint_refuses_the_whole_upsert(clients, served, fields):
    index = served[0]
    with pytest.raises(exceptions.InvalidArgument):
        upsert(clients, index, datapoint(0, feature_vector=[9.0] * 8), datapoint(1, **fields))
    asked = container.BatchGetEmbeddingsRequest(deployed_index_id=served[2][1], id=["0"])
    time.sleep(0.1)  # longer than the delay after which an accepted upsert shows
    assert np.array_equal(
        np.array(served[2][0].BatchGetEmbeddings(asked).embeddings[0].float_val, "f4"), ROWS[0]
    )


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        ("DOT_PRODUCT_DISTANCE", lambda rows, q: rows @ q),
        ("COSINE_DISTANCE", lambda rows, q: 1 - rows @ q / np.linalg.norm(rows, axis=1) / np.linalg.norm(q)),
        ("SQUARED_L2_DISTANCE", lambda rows, q: ((rows - q) ** 2).sum(axis=1)),
        ("L1_DISTANCE", lambda rows, q: np.abs(rows - q).sum(axis=1)),
    ],
)
def test_each_distance_measure_orders_and_reports_as_decided(clients, distance, expected):
    index = clients.index(8, distanceMeasureType=distance)
    upsert(clients, index, *(datapoint(row) for row in range(len(ROWS))))
    private = clients.private(index)
    found = until(lambda: match(private, ROWS[2].tolist()).neighbor)
    truth = expected(ROWS.astype("f8"), ROWS[2].astype("f8"))
    order = np.argsort(-truth if distance == "DOT_PRODUCT_DISTANCE" else truth)[:10]
    assert [int(each.id) for each in found] == order.tolist()
    assert [each.distance for each in found] == pytest.approx(truth[order].tolist(), abs=1e-5)


def test_unit_norm_searches_normalised_vectors_and_gives_the_original_ones_back(clients):
    index = clients.index(8, featureNormType="UNIT_L2_NORM")
    upsert(clients, index, *(datapoint(row) for row in range(len(ROWS))))
    private = clients.private(index)
    found = until(lambda: match(private, ROWS[2].tolist(), embedding_enabled=True))
    assert found.neighbor[0].id == "2"
    assert found.neighbor[0].distance == pytest.approx(1)
    assert np.array_equal(np.array(found.embeddings[0].float_val, "f4"), ROWS[2])


@pytest.mark.slow
def test_streamed_datapoints_survive_a_kill_in_their_last_version(fresh, connect):
    sandbox = fresh()
    clients = connect(sandbox)
    index = clients.index(8)
    upsert(clients, index, *(datapoint(row) for row in range(10)))
    clients.indexes.remove_datapoints(request={"index": index, "datapoint_ids": ["3"]})
    moved = {"datapoint_id": "4", "restricts": [{"namespace": "class", "allow_list": ["moved"]}]}
    upsert(clients, index, moved, update_mask={"paths": ["all_restricts"]})
    sandbox.kill()
    clients = connect(fresh())
    until(lambda: clients.indexes.get_index(name=index).index_stats.vectors_count == 9)
    private = clients.private(index)
    allowed = container.Namespace(name="class", allow_tokens=["moved", "3", "5"])
    assert set(ids(match(private, ROWS[0].tolist(), restricts=[allowed]))) == {"4", "5"}
