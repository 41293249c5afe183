"""JSON lines as a data file: the records of import files, read like every other format and refused by line and field."""

import json

import numpy as np
import orjson
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.data.formats import json_lines, line_columns
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors
from tests.tasks.vertex.data.test_import_formats import avro_records, plain

RECORDS = [
    {"id": "a", "embedding": [1, 2.5], "restricts": [{"namespace": "color", "allow": ["red"], "deny": ["blue"]}]},
    {"id": "b", "sparse_embedding": {"values": [0.5, -1], "dimensions": [2**40, 3]}, "crowding_tag": "t"},
    {"id": "ž", "embedding": [-3, 4], "sparse_embedding": {"values": [2], "dimensions": [0]},
     "numeric_restricts": [{"namespace": "price", "value_int": 2**40}, {"namespace": "weight", "value_float": 0.5}]},
    {"id": "7", "embedding": [0, 0], "sparse_embedding": {"values": [], "dimensions": []}, "embedding_metadata": {"title": ["x", None, 2**53]}},
]  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """write(records) -> path; a record may be a line of bytes."""

    def write(records=RECORDS, name="rows.jsonl"):
        lines = [each if isinstance(each, bytes) else orjson.dumps(each) for each in records]
        (tmp_path / name).write_bytes(b"\n".join(lines))
        return tmp_path / name

    return write


def written(path, folder, import_format="jsonl"):
    with VectorFile(path) as file:
        validated = validate_vectors(file)
        files = write_import_files(file, DatapointRules(), folder, content=validated.content, import_format=import_format)  # fmt: skip
    if import_format == "avro":
        return validated, [plain(record) for record in avro_records(folder, files)]
    return validated, [
        json.loads(line) for file in files for line in (folder / file.name).read_text().splitlines()
    ]


@pytest.mark.parametrize("cut", [1, 1000])
def test_records_are_imported_as_they_are(write, tmp_path, monkeypatch, cut):
    monkeypatch.setattr(json_lines, "BLOCK_TEXT", cut)
    monkeypatch.setattr(line_columns, "STRIDE", 2)
    validated, records = written(write([b"", *RECORDS[:2], b"  \r", *RECORDS[2:], b"\n"]), tmp_path / "out")
    wanted = json.loads(json.dumps(RECORDS))
    del wanted[3]["sparse_embedding"]
    assert records == wanted
    assert (validated.rows, validated.dense_rows, validated.sparse_rows, validated.dimensions) == (4, 3, 2, 2)
    assert validated.content == written(write(), tmp_path / "again")[0].content


def test_avro_holds_the_same_records_and_refuses_what_its_schema_has_no_field_for(write, tmp_path):
    small = json.loads(json.dumps(RECORDS[:3]))
    small[2]["numeric_restricts"][0]["value_int"] = 5
    assert written(write(small), tmp_path / "a", "avro")[1] == small
    with pytest.raises(InvalidInput, match=r"datapoint '7' has embedding_metadata.*--import-format jsonl"):
        written(write(RECORDS[3:]), tmp_path / "b", "avro")


def test_dense_vectors_alone_have_the_content_of_the_same_hdf5(write, write_hdf5, vectors_of):
    rows, ids = vectors_of(50), [f"id {row}" for row in range(50)]
    lines = write([{"id": id_, "embedding": row.tolist()} for id_, row in zip(ids, rows, strict=True)])
    with VectorFile(lines) as file, VectorFile(write_hdf5(train=rows, ids=ids)) as same:
        assert validate_vectors(file).content == validate_vectors(same).content


@pytest.mark.parametrize(
    "change",
    [{"crowding_tag": "u"}, {"embedding_metadata": {"a": 1}}, {"restricts": []}, {"embedding": None}],
)
def test_whatever_changes_in_a_record_changes_the_content(write, change):
    def content(records):
        with VectorFile(write(records)) as file:
            return validate_vectors(file).content

    first = {**RECORDS[0], "sparse_embedding": {"values": [1], "dimensions": [1]}}
    assert content([first, *RECORDS[1:]]) != content([{**first, **change}, *RECORDS[1:]])


BAD = {
    "no JSON": (b'{"id": "x", "embedding": [1, 2}', "Not a line of JSON"),
    "NaN": (b'{"id": "x", "embedding": [1, NaN]}', "Not a line of JSON"),
    "no object": (b"[1, 2]", "datapoint"),
    "no id": ({"embedding": [1, 2]}, "the field id is missing"),
    "an empty id": ({"id": "", "embedding": [1, 2]}, "id: "),
    "text in a vector": ({"id": "x", "embedding": [1, "2"]}, "embedding: a vector is a list of numbers"),
    "too large for float32": ({"id": "x", "embedding": [1, 1e39]}, "at position 1 is 1e[+]39"),
    "other dimensions": ({"id": "x", "embedding": [1]}, "'x' has another number of dimensions than the first"),
    "a negative dimension": ({"id": "x", "sparse_embedding": {"values": [1], "dimensions": [-1]}}, "a dimension is from 0"),
    "more values than dimensions": ({"id": "x", "sparse_embedding": {"values": [1, 2], "dimensions": [1]}}, "2 values at 1 dimensions"),
    "an unknown field": ({"id": "x", "embedding": [1, 2], "titel": "t"}, "there is no field titel.*columns of your own are read from Parquet"),
    "a namespace twice": ({"id": "x", "embedding": [1, 2], "restricts": [{"namespace": "n"}, {"namespace": "n"}]}, "each namespace once"),
    "two types of numbers": ({"id": "x", "embedding": [1, 2], "numeric_restricts": [{"namespace": "price", "value_float": 1}]}, "'price' has numbers of two types"),
    "a name twice": (b'{"id": "x", "id": "y", "embedding": [1, 2]}', "occurs twice in one object"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "said"), BAD.values(), ids=BAD)
def test_a_bad_record_is_named_by_file_line_and_field(write, line, said):
    path = write([*RECORDS, b"", line])
    with pytest.raises(InvalidInput, match=said) as caught, VectorFile(path) as file:
        validate_vectors(file)
    assert f"{path} line 6" in str(caught.value)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([*RECORDS, RECORDS[0]], "Rows 0 and 4 of `id` have the same id"),
        ([*RECORDS, {"id": "x"}, {"id": "y"}], "Neither a dense vector nor .* in 2 rows: rows 4 and 5"),
        ([{"id": "x"}], "no dataset `embedding`; it has: `id`"),
    ],
)
def test_records_that_do_not_fit_together_are_refused(write, records, said):
    with pytest.raises(InvalidInput, match=said), VectorFile(write(records)) as file:
        validate_vectors(file)


def test_rules_are_refused_because_records_have_their_own(write):
    with VectorFile(write()) as file, pytest.raises(InvalidInput, match="no --restrict-namespace"):
        validate_vectors(file, DatapointRules(crowding_tags=("a",)))


def test_queries_in_a_file_beside_are_dense_and_sparse_ones(write):
    hybrid = [{"id": str(n), "embedding": [n, 1], "sparse_embedding": {"values": [n], "dimensions": [n]}} for n in range(1, 4)]  # fmt: skip
    names = Names(queries=str(write(hybrid, "queries.jsonl")))
    with open_vectors(str(write()), names=names) as file:
        assert validate_vectors(file).queries == 3
        assert file.queries(2, start=1).tolist() == [[2, 1], [3, 1]]
        assert file.asked().sparse(1, start=2).row(0)[0].tolist() == [3]
    write([*hybrid, RECORDS[1]], "queries.jsonl")
    with (
        open_vectors(str(write()), names=names) as file,
        pytest.raises(InvalidInput, match=r"Row 3 of `embedding`.* no value"),
    ):
        validate_vectors(file)


def test_one_long_line_makes_blocks_small_and_nothing_else(write, vectors_of, monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK_TEXT", 5000)
    rows = [{"id": str(n), "embedding": row.tolist()} for n, row in enumerate(vectors_of(40))]
    rows[7]["embedding_metadata"] = {"text": "x" * 900}
    with VectorFile(write(rows)) as file:
        blocks = list(file.blocks())
    assert max(len(block.ids) for block in blocks) == 4
    np.testing.assert_array_equal(np.concatenate([block.vectors for block in blocks]), vectors_of(40))
