"""Datapoints in and neighbors out: streaming, imports, searching, over both query protocols."""

import json
import time

import grpc
import numpy as np
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from protos import match_service as container
from tests.polling import SOON, until
from tests.sandbox.vertex.rows import ROWS, datapoint, find, ids, line, match, upsert

RecordErrorType = v1.NearestNeighborSearchOperationMetadata.RecordError.RecordErrorType


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


def test_an_upsert_replaces_the_whole_datapoint_and_a_mask_only_its_restricts(clients):
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


def test_a_batch_index_imports_files_and_partial_updates_add_and_delete(clients):
    bucket = clients.bucket()
    empty = {"values": [], "dimensions": []}  # as LangChain writes it in every record
    bucket.blob("first/one.json").upload_from_string(
        "\n".join(line(row, sparse_embedding=empty) for row in range(10))
    )
    bucket.blob("first/two.json").upload_from_string("\n".join(line(row) for row in range(10, 20)) + "\n")
    operation = clients.begin_index(8, stream=False, uri=f"gs://{bucket.name}/first")
    index = operation.result(timeout=60, polling=SOON).name
    stats = operation.metadata.nearest_neighbor_search_operation_metadata.content_validation_stats
    assert sorted((each.source_gcs_uri, each.valid_record_count) for each in stats) == [
        (f"gs://{bucket.name}/first/one.json", 10),
        (f"gs://{bucket.name}/first/two.json", 10),
    ]
    private = clients.private(index)
    assert clients.indexes.get_index(name=index).index_stats.vectors_count == 20
    bucket.blob("delta/more.json").upload_from_string(line(20) + "\n" + line(0, embedding=ROWS[21].tolist()))
    bucket.blob("delta/delete/gone.txt").upload_from_string("1\n2\n")
    clients.indexes.update_index(
        index={"name": index, "metadata": {"contentsDeltaUri": f"gs://{bucket.name}/delta"}},
        update_mask={"paths": ["metadata"]},
    ).result(timeout=60, polling=SOON)
    assert clients.indexes.get_index(name=index).index_stats.vectors_count == 19
    assert ids(match(private, ROWS[21].tolist(), num_neighbors=30)).count("0") == 1
    assert not {"1", "2"} & set(ids(match(private, ROWS[1].tolist(), num_neighbors=30)))


def test_a_complete_overwrite_replaces_a_stream_index_and_its_deployed_copies(clients):
    bucket = clients.bucket()
    index = clients.index(8)
    upsert(clients, index, datapoint(0), datapoint(1))
    endpoint, deployed = clients.public(index)
    before = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].index_sync_time
    bucket.blob("new/data.json").upload_from_string("\n".join(line(row) for row in range(30, 35)))
    operation = clients.indexes.update_index(
        index={
            "name": index,
            "metadata": {"contentsDeltaUri": f"gs://{bucket.name}/new", "isCompleteOverwrite": True},
        },
        update_mask={"paths": ["metadata"]},
    )
    operation.result(timeout=60, polling=SOON)
    found = find(clients, (endpoint, deployed), {"datapoint": {"feature_vector": ROWS[0].tolist()}})[0]
    assert {each.datapoint.datapoint_id for each in found.neighbors} == {"30", "31", "32", "33", "34"}
    assert clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].index_sync_time > before


INVALID = {
    RecordErrorType.EMPTY_LINE: " ",
    RecordErrorType.INVALID_JSON_SYNTAX: '{"id": "x", ',
    RecordErrorType.INVALID_EMBEDDING_ID: line(1, id=7),
    RecordErrorType.EMBEDDING_SIZE_MISMATCH: line(1, embedding=[1.0]),
    RecordErrorType.INVALID_EMBEDDING: line(1, embedding=[None] * 8),
    RecordErrorType.NAMESPACE_MISSING: line(1, restricts=[{"allow": ["a"]}]),
    RecordErrorType.DUPLICATE_NAMESPACE: line(1, restricts=[{"namespace": "a"}, {"namespace": "a"}]),
    RecordErrorType.INVALID_TOKEN_VALUE: line(1, restricts=[{"namespace": "a", "allow": [1]}]),
    RecordErrorType.OP_IN_DATAPOINT: line(
        1, numeric_restricts=[{"namespace": "a", "value_int": 1, "op": "LESS"}]
    ),
    RecordErrorType.MULTIPLE_VALUES: line(
        1, numeric_restricts=[{"namespace": "a", "value_int": 1, "value_float": 1}]
    ),
    RecordErrorType.INVALID_NUMERIC_VALUE: line(
        1, numeric_restricts=[{"namespace": "a", "value_int": "one"}]
    ),
    RecordErrorType.PARSING_ERROR: line(1, crowding_tag=3),
}


@pytest.mark.slow
def test_an_overwrite_after_the_last_ones_operation_was_forgotten_keeps_its_datapoints(fresh, connect):
    sandbox = fresh()
    clients = connect(sandbox)
    bucket = clients.bucket()
    index = clients.index()
    for name in ("first", "second"):
        bucket.blob(f"{name}/data.json").upload_from_string(
            json.dumps({"id": name, "embedding": [1, 2, 3, 4]})
        )
        content = {"contentsDeltaUri": f"gs://{bucket.name}/{name}", "isCompleteOverwrite": True}
        update = clients.indexes.update_index(
            index={"name": index, "metadata": content}, update_mask={"paths": ["metadata"]}
        )
        update.result(timeout=60, polling=SOON)
        clients.operations.delete_operation(update.operation.name)
    sandbox.kill()
    assert connect(fresh()).indexes.get_index(name=index).index_stats.vectors_count == 1


def test_invalid_records_fail_the_creation_with_their_kinds_and_leave_no_index(clients):
    bucket = clients.bucket()
    bucket.blob("bad/data.json").upload_from_string("\n".join([line(0), *INVALID.values()]))
    operation = clients.begin_index(8, uri=f"gs://{bucket.name}/bad")
    with pytest.raises(exceptions.FailedPrecondition, match="There are invalid records under files"):
        operation.result(timeout=60, polling=SOON)
    name = operation.operation.name
    assert operation.operation.error.code == 9
    assert operation.operation.error.message.endswith(
        f"[gs://{bucket.name}/bad/data.json]. Please check the details in the metadata of operation: {name}."
    )
    (stats,) = operation.metadata.nearest_neighbor_search_operation_metadata.content_validation_stats
    assert (stats.valid_record_count, stats.invalid_record_count) == (1, len(INVALID))
    assert [each.error_type for each in stats.partial_errors] == list(INVALID)
    with pytest.raises(exceptions.NotFound):
        clients.indexes.get_index(name=name.split("/operations/")[0])


def test_at_most_fifty_invalid_records_of_a_file_are_described(clients):
    bucket = clients.bucket()
    bucket.blob("bad/data.json").upload_from_string("\n".join(["nonsense"] * 70))
    operation = clients.begin_index(8, uri=f"gs://{bucket.name}/bad")
    with pytest.raises(exceptions.FailedPrecondition):
        operation.result(timeout=60, polling=SOON)
    (stats,) = operation.metadata.nearest_neighbor_search_operation_metadata.content_validation_stats
    assert (stats.invalid_record_count, len(stats.partial_errors)) == (70, 50)


@pytest.mark.parametrize("folder", ["missing", "other"], ids=["no files", "a file of another kind"])
def test_a_folder_that_cannot_be_imported_fails_the_creation(clients, folder):
    bucket = clients.bucket()
    bucket.blob("other/readme.txt").upload_from_string("hello")
    with pytest.raises(exceptions.InvalidArgument):
        clients.begin_index(8, uri=f"gs://{bucket.name}/{folder}").result(timeout=60, polling=SOON)


def test_a_failed_overwrite_leaves_what_was_there(clients):
    bucket = clients.bucket()
    bucket.blob("good/data.json").upload_from_string("\n".join(line(row) for row in range(5)))
    bucket.blob("bad/data.json").upload_from_string(line(7) + "\nnonsense")
    index = clients.index(8, uri=f"gs://{bucket.name}/good")
    content = {"contentsDeltaUri": f"gs://{bucket.name}/bad", "isCompleteOverwrite": True}
    operation = clients.indexes.update_index(
        index={"name": index, "metadata": content}, update_mask={"paths": ["metadata"]}
    )
    with pytest.raises(exceptions.FailedPrecondition, match="invalid records"):
        operation.result(timeout=60, polling=SOON)
    assert clients.indexes.get_index(name=index).index_stats.vectors_count == 5


def test_an_id_in_the_data_and_under_delete_fails_the_import(clients):
    bucket = clients.bucket()
    bucket.blob("both/data.json").upload_from_string(line(0))
    bucket.blob("both/delete/ids.txt").upload_from_string("0\n")
    with pytest.raises(exceptions.InvalidArgument, match="both in the data"):
        clients.begin_index(8, uri=f"gs://{bucket.name}/both").result(timeout=60, polling=SOON)


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
