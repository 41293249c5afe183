"""Files of every documented format, imported through the sandbox and read back over the query protocols."""

import io
import json

import fastavro
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from protos import match_service as container
from tests.polling import SOON
from tests.sandbox.vertex.rows import ids, match

RecordErrorType = v1.NearestNeighborSearchOperationMetadata.RecordError.RecordErrorType


def nullable(kind):
    return ["null", kind]


def array(items):
    return {"type": "array", "items": items}


def record(name, **fields):
    return {"type": "record", "name": name, "fields": [{"name": key, "type": fields[key]} for key in fields]}


# As "Input data format and structure" prints it.
SCHEMA = record(
    "FeatureVector",
    id="string",
    embedding=array("float"),
    sparse_embedding=nullable(record("sparse_embedding", values=array("float"), dimensions=array("long"))),
    restricts=nullable(
        array(
            record(
                "Restrict",
                namespace="string",
                allow=nullable(array("string")),
                deny=nullable(array("string")),
            )
        )
    ),
    numeric_restricts=nullable(
        array(
            record(
                "NumericRestrict",
                namespace="string",
                value_int=nullable("int"),
                value_float=nullable("float"),
                value_double=nullable("double"),
            )
        )
    ),
    crowding_tag=nullable("string"),
)
SPARSE = {"values": [0.5, -0.25], "dimensions": [3, 2**40]}
RECORD = {
    "embedding": [1.5, -2.0],
    "sparse_embedding": SPARSE,
    "restricts": [{"namespace": "color", "allow": ["red"], "deny": ["blue"]}],
    "numeric_restricts": [{"namespace": "price", "value_float": 0.5}],
    "crowding_tag": "team",
}
CSV = "csv-1,1.5,-2,3:0.5,1099511627776:-0.25,crowding_tag=team,color=red,color=!blue,#price=0.5f"


def avro(*records, codec="null"):
    file = io.BytesIO()
    fastavro.writer(file, SCHEMA, records, codec=codec)
    return file.getvalue()


def avro_record(name, **fields):
    return {"id": name, "embedding": [], **dict.fromkeys(list(RECORD)[1:]), **fields}


def statistics(operation):
    found = operation.metadata.nearest_neighbor_search_operation_metadata
    return {each.source_gcs_uri.rsplit("/", 1)[1]: each for each in found.content_validation_stats}


def embeddings(private, *names):
    asked = container.BatchGetEmbeddingsRequest(deployed_index_id=private[1], id=names)
    return list(private[0].BatchGetEmbeddings(asked).embeddings)


def update(clients, index, uri, **content):
    metadata = {"contentsDeltaUri": uri, **content}
    request = {"index": {"name": index, "metadata": metadata}, "update_mask": {"paths": ["metadata"]}}
    return clients.indexes.update_index(request=request).result(timeout=60, polling=SOON)


def test_one_batch_of_all_formats_is_imported_and_everything_else_is_ignored(clients):
    bucket = clients.bucket()
    files = {
        "all/a.json": json.dumps({"id": "json-1", **RECORD})
        + "\n"
        + json.dumps({"id": 7, "embedding": ["1", "2"]}),
        "all/b.csv": f"{CSV}\ncsv-2,3:0.5\n",
        "all/c.avro": avro(avro_record("avro-1", **RECORD), avro_record("avro-2", sparse_embedding=SPARSE)),
        "all/d.avro": avro(avro_record("avro-3", embedding=[0.0, 1.0]), codec="deflate"),
        "all/readme.txt": "not a record",
        "all/more/e.json": "not a record",
        "all/delete/more/ids.txt": "json-1",
    }
    for name, content in files.items():
        bucket.blob(name).upload_from_string(content)
    operation = clients.begin_index(2, stream=False, uri=f"gs://{bucket.name}/all/")
    index = operation.result(timeout=60, polling=SOON).name
    counts = {
        name: (each.valid_record_count, each.valid_sparse_record_count)
        for name, each in statistics(operation).items()
    }
    assert counts == {"a.json": (2, 1), "b.csv": (1, 2), "c.avro": (1, 2), "d.avro": (1, 0)}
    size = operation.metadata.nearest_neighbor_search_operation_metadata.data_bytes_count
    assert size == sum(len(files[f"all/{name}"]) for name in counts)
    stats = clients.indexes.get_index(name=index).index_stats
    assert (stats.vectors_count, stats.sparse_vectors_count) == (5, 5)

    private = clients.private(index)
    whole = embeddings(private, "json-1", "csv-1", "avro-1")
    for each in whole:
        each.id = ""
    assert whole[0] == whole[1] == whole[2]
    assert list(whole[0].float_val) == RECORD["embedding"]
    assert list(whole[0].sparse_embedding.dimension) == SPARSE["dimensions"]
    assert (whole[0].restricts[0].allow_tokens, whole[0].restricts[0].deny_tokens) == (["red"], ["blue"])
    assert whole[0].numeric_restricts[0].value_float == 0.5
    query = container.SparseEmbedding(float_val=[1], dimension=[3])
    assert set(ids(match(private, [], sparse_embedding=query))) == {
        "json-1",
        "csv-1",
        "csv-2",
        "avro-1",
        "avro-2",
    }
    assert list(embeddings(private, "7")[0].float_val) == [1, 2]


def test_a_partial_update_deletes_overwrites_and_adds_and_a_complete_overwrite_replaces(clients):
    bucket = clients.bucket()
    bucket.blob("first/a.csv").upload_from_string("".join(f"{row},{row},0\n" for row in range(5)))
    index = clients.index(2, stream=False, uri=f"gs://{bucket.name}/first")
    private = clients.private(index)
    bucket.blob("delta/a.avro").upload_from_string(
        avro(avro_record("0", embedding=[9.0, 9.0]), avro_record("new", sparse_embedding=SPARSE))
    )
    bucket.blob("delta/delete/one.txt").upload_from_string("1\n2\r\n")
    bucket.blob("delta/delete/two").upload_from_string("3\nnever-was\n")
    update(clients, index, f"gs://{bucket.name}/delta")
    clients.synced(index)
    found = {each.id: list(each.float_val) for each in embeddings(private, *"01234", "new")}
    assert found == {"0": [9, 9], "4": [4, 0], "new": []}
    update(clients, index, f"gs://{bucket.name}/first/", isCompleteOverwrite=True)
    clients.synced(index)
    found = {each.id: list(each.float_val) for each in embeddings(private, *"01234", "new")}
    assert found == {str(row): [row, 0] for row in range(5)}


def test_a_folder_of_deletions_alone_is_a_batch(clients):
    bucket = clients.bucket()
    bucket.blob("first/a.csv").upload_from_string("a,1,2\nb,1,2\n")
    index = clients.index(2, stream=False, uri=f"gs://{bucket.name}/first")
    bucket.blob("delta/delete/ids.txt").upload_from_string("a")
    update(clients, index, f"gs://{bucket.name}/delta")
    assert clients.indexes.get_index(name=index).index_stats.vectors_count == 1


def test_metadata_of_a_record_comes_back_with_the_datapoint(clients):
    bucket = clients.bucket()
    metadata = {"title": "x", "pages": 3.0, "tags": ["a", None]}
    bucket.blob("all/a.json").upload_from_string(
        json.dumps({"id": "a", "embedding": [1, 2], "embedding_metadata": metadata})
    )
    index = clients.index(2, uri=f"gs://{bucket.name}/all")
    endpoint, deployed = clients.public(index)
    request = {"index_endpoint": endpoint, "deployed_index_id": deployed, "ids": ["a"]}
    (read,) = clients.match.read_index_datapoints(request=request).datapoints
    assert v1.IndexDatapoint.to_dict(read)["embedding_metadata"] == metadata
    (embedding,) = embeddings(clients.private(index), "a")
    assert embedding.embedding_metadata["title"] == "x"


def test_damaged_and_wrong_records_of_every_format_are_described(clients):
    bucket = clients.bucket()
    whole = avro(*(avro_record(str(row), embedding=[1.0, 2.0]) for row in range(3)))
    bucket.blob("bad/a.avro").upload_from_string(whole[:-20])
    bucket.blob("bad/b.avro").upload_from_string("no Avro at all")
    bucket.blob("bad/c.avro").upload_from_string(avro(avro_record("short", embedding=[1.0])))
    bucket.blob("bad/d.csv").upload_from_string("wide,1,2,3\nhalf,1:2,x:1\n")
    operation = clients.begin_index(2, uri=f"gs://{bucket.name}/bad")
    with pytest.raises(exceptions.FailedPrecondition, match="invalid records"):
        operation.result(timeout=60, polling=SOON)
    found = {
        name: [(each.error_type, each.embedding_id) for each in stats.partial_errors]
        for name, stats in statistics(operation).items()
    }
    assert found == {
        "a.avro": [(RecordErrorType.INVALID_AVRO_SYNTAX, "")],
        "b.avro": [(RecordErrorType.INVALID_AVRO_SYNTAX, "")],
        "c.avro": [(RecordErrorType.EMBEDDING_SIZE_MISMATCH, "short")],
        "d.csv": [
            (RecordErrorType.EMBEDDING_SIZE_MISMATCH, "wide"),
            (RecordErrorType.INVALID_SPARSE_DIMENSIONS, "half"),
        ],
    }
    stats = statistics(operation)
    assert json.loads(stats["c.avro"].partial_errors[0].raw_record)["embedding"] == [1.0]
    assert stats["d.csv"].partial_errors[1].raw_record == "half,1:2,x:1"
    assert (stats["d.csv"].invalid_record_count, stats["d.csv"].invalid_sparse_record_count) == (1, 1)
