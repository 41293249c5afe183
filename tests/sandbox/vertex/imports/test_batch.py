"""Imports of whole folders, when an index is created or updated: what counts, what fails, what is left untouched."""

import json

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from sandbox.vertex.options import Durations, VertexOptions
from tests.polling import SOON
from tests.sandbox.vertex.rows import ROWS, datapoint, find, ids, line, match, upsert

RecordErrorType = v1.NearestNeighborSearchOperationMetadata.RecordError.RecordErrorType


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
    more = [line(20), line(0, embedding=ROWS[21].tolist()), line(3)]
    bucket.blob("delta/more.json").upload_from_string("\n".join(more))
    bucket.blob("delta/delete/gone.txt").upload_from_string("1\n2\n")
    clients.indexes.update_index(
        index={"name": index, "metadata": {"contentsDeltaUri": f"gs://{bucket.name}/delta"}},
        update_mask={"paths": ["metadata"]},
    ).result(timeout=60, polling=SOON)
    assert clients.indexes.get_index(name=index).index_stats.vectors_count == 19
    clients.synced(index)
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
    clients.synced(index)
    found = find(clients, (endpoint, deployed), {"datapoint": {"feature_vector": ROWS[0].tolist()}})[0]
    assert {each.datapoint.datapoint_id for each in found.neighbors} == {"30", "31", "32", "33", "34"}
    assert clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].index_sync_time > before


@pytest.mark.slow
def test_a_copy_serves_what_it_held_until_it_follows_its_index_and_a_later_one_what_is_new(fresh, connect):
    clients = connect(fresh(VertexOptions(clock_factor=20_000, durations=Durations(sync=1e9))))
    bucket = clients.bucket()
    bucket.blob("first/one.json").upload_from_string("\n".join(line(row) for row in range(3)))
    bucket.blob("delta/more.json").upload_from_string(line(7))
    bucket.blob("delta/delete/gone.txt").upload_from_string("1")
    index = clients.index(8, stream=False, uri=f"gs://{bucket.name}/first")
    public, private = clients.public(index), clients.private(index)

    def found(place):
        query = {"datapoint": {"feature_vector": ROWS[0].tolist()}}
        return {each.datapoint.datapoint_id for each in find(clients, place, query)[0].neighbors}

    clients.indexes.update_index(
        index={"name": index, "metadata": {"contentsDeltaUri": f"gs://{bucket.name}/delta"}},
        update_mask={"paths": ["metadata"]},
    ).result(timeout=60, polling=SOON)
    there = clients.indexes.get_index(name=index)
    assert clients.copy(public[0]).index_sync_time < there.update_time
    assert found(public) == set(ids(match(private, ROWS[0].tolist()))) == {"0", "1", "2"}
    assert there.index_stats.vectors_count == 3
    assert found(clients.public(index)) == {"0", "2", "7"}


def test_deletions_of_a_batch_index_wait_for_the_compaction_and_what_is_written_again_stays(clients):
    bucket = clients.bucket()
    bucket.blob("first/one.json").upload_from_string("\n".join(line(row) for row in range(20)))
    index = clients.index(8, stream=False, uri=f"gs://{bucket.name}/first")
    private = clients.private(index)

    def updated(name, rows, gone):
        bucket.blob(f"{name}/rows.json").upload_from_string("\n".join(line(row) for row in rows))
        bucket.blob(f"{name}/delete/ids").upload_from_string("\n".join(gone))
        clients.indexes.update_index(
            index={"name": index, "metadata": {"contentsDeltaUri": f"gs://{bucket.name}/{name}"}},
            update_mask={"paths": ["metadata"]},
        ).result(timeout=60, polling=SOON)
        clients.synced(index)
        return set(ids(match(private, ROWS[0].tolist(), num_neighbors=60)))

    first = {str(row) for row in range(20)}
    assert updated("a", [20], ["1", "2"]) == first | {"20"}  # three changes are less than a fifth
    assert updated("b", [1], []) == first | {"20"}
    assert updated("c", [21], ["3"]) == (first | {"20", "21"}) - {"2", "3"}


INVALID = {
    RecordErrorType.EMPTY_LINE: " ",
    RecordErrorType.INVALID_JSON_SYNTAX: '{"id": "x", ',
    RecordErrorType.INVALID_EMBEDDING_ID: line(1, id=7.5),
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


@pytest.mark.parametrize("folder", ["missing", "other"], ids=["no files", "only files of other kinds"])
def test_a_folder_that_cannot_be_imported_fails_the_creation(clients, folder):
    bucket = clients.bucket()
    bucket.blob("other/readme.txt").upload_from_string("hello")
    bucket.blob("other/more/data.json").upload_from_string(line(0))
    with pytest.raises(exceptions.InvalidArgument, match="There are no"):
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
