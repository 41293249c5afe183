"""Import files in Avro: the records of the JSON lines, in the schema that the documentation prints."""

import base64
import io
import sys

import fastavro
import google_crc32c
import hypothesis.extra.numpy
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.vertex.data import avro
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.vectors import VectorFile

RULES = DatapointRules(
    restrict_namespace="class", restrict_columns=("color", "price", "weight"), crowding_tags=("a", "b")
)


@pytest.fixture
def path(write_hdf5, vectors_of):
    colors, prices, weights = ["red", "", "ž"] * 100, np.arange(300) - 2**31, np.linspace(0, 1, 300)
    sizes = ["", "", "large", "small"] * 75
    weights[7] = np.nan
    return write_hdf5(train=vectors_of(300, 20), color=colors, size=sizes, price=prices, weight=weights)


def write(path, folder, import_format, rules=RULES, **options):
    with VectorFile(path) as file:
        return write_import_files(file, rules, folder, import_format=import_format, **options)


def avro_records(folder, files):
    for file in files:
        with (folder / file.name).open("rb") as opened:
            yield from fastavro.reader(opened)


def plain(record):
    """A record without what is null."""
    if isinstance(record, dict):
        return {name: plain(value) for name, value in record.items() if value is not None}
    return [plain(one) for one in record] if isinstance(record, list) else record


def test_avro_holds_the_records_of_the_json_lines_bit_for_bit(path, tmp_path):
    lines = write(path, tmp_path / "lines", "jsonl")
    avro = write(path, tmp_path / "avro", "avro")
    assert [file.name for file in avro] == ["datapoints-00000.avro"]
    wanted = [orjson.loads(line) for line in (tmp_path / "lines" / lines[0].name).read_bytes().splitlines()]
    found = [plain(record) for record in avro_records(tmp_path / "avro", avro)]
    for one, other in zip(found, wanted, strict=True):
        one["embedding"], other["embedding"] = (
            np.float32(each["embedding"]).tolist() for each in (one, other)
        )
    assert found == wanted
    assert sum(file.size for file in avro) < 0.7 * sum(file.size for file in lines)


def test_avro_files_are_cut_checked_and_the_same_every_time(path, tmp_path):
    files = write(path, tmp_path / "one", "avro", shard_bytes=25_000)
    assert len(files) > 1
    assert [file.first_row for file in files[1:]] == [file.last_row + 1 for file in files[:-1]]
    for file in files:
        content = (tmp_path / "one" / file.name).read_bytes()
        assert len(content) == file.size <= 25_000
        crc = int.from_bytes(base64.b64decode(file.crc32c), "big")
        assert crc == google_crc32c.value(content)
    ids = [record["id"] for record in avro_records(tmp_path / "one", files)]
    assert ids == [str(row) for row in range(300)]
    assert write(path, tmp_path / "two", "avro", shard_bytes=25_000) == files


def test_a_record_costs_hardly_a_call(path):
    """What a record costs are its calls: the fields of a block are encoded one after the other, each of all rows."""
    with VectorFile(path) as file:
        rules = DatapointRules(
            restrict_namespace="class", restrict_columns=("color",), crowding_tags=("a", "b")
        )
        blocks = list(file.blocks(rules.columns))
    events = list[str]()
    sys.setprofile(lambda _frame, event, _argument: events.append(event))
    try:
        rows = sum(len(list(avro.encoded_rows(block, rules))) for block in blocks)
    finally:
        sys.setprofile(None)
    assert (
        events.count("call") / rows < 2.2
    )  # one for its vector, one for its restricts; record by record they are 7


def test_a_record_by_itself_is_encoded_in_few_calls(path):
    with VectorFile(path) as file:
        rules = DatapointRules(restrict_namespace="class", crowding_tags=("a", "b"))
        records = [record for block in file.blocks() for record in rules.records(block)]
    events = list[str]()
    sys.setprofile(lambda _frame, event, _argument: events.append(event))
    try:
        for record in records:
            avro.encoded(record)
    finally:
        sys.setprofile(None)
    assert events.count("call") / len(records) < 8  # 7 on Python 3.11; they were 14


def test_an_integer_that_avro_cannot_hold_is_named_and_nothing_is_left(write_hdf5, vectors_of, tmp_path):
    path = write_hdf5(train=vectors_of(3), price=np.array([1, 2**31, 5]))
    rules = DatapointRules(restrict_columns=("price",))
    with pytest.raises(avro.OutsideInt32, match=r"datapoint '1'.*`?price.*--import-format jsonl"):
        write(path, tmp_path / "avro", "avro", rules)
    assert list((tmp_path / "avro").iterdir()) == []
    write(path, tmp_path / "lines", "jsonl", rules)


texts = st.text(st.characters(codec="utf-8"), max_size=70)
floats = hypothesis.extra.numpy.arrays(
    np.float32, st.integers(1, 70), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)
dimensions = st.integers(0, 2**63 - 1) | st.sampled_from([0, 63, 64, 127, 128, 8191, 8192])
lists = {"allow": st.lists(texts, max_size=3), "deny": st.lists(texts, max_size=100)}
restricts = st.lists(st.fixed_dictionaries({"namespace": texts}, optional=lists), max_size=3)
numbers = st.one_of(
    st.fixed_dictionaries({"namespace": texts, "value_int": st.integers(-(2**31), 2**31 - 1)}),
    st.fixed_dictionaries({"namespace": texts, "value_float": st.floats(width=32, allow_nan=False)}),
    st.fixed_dictionaries({"namespace": texts, "value_double": st.floats(allow_nan=False)}),
)
sparse = st.lists(st.tuples(st.floats(width=32, allow_nan=False), dimensions), min_size=1, max_size=70).map(
    lambda pairs: {
        "values": np.array([value for value, _ in pairs], np.float32),
        "dimensions": np.array([dimension for _, dimension in pairs], np.int64),
    }
)
records = st.fixed_dictionaries(
    {"id": texts},
    optional={
        "embedding": floats,
        "sparse_embedding": sparse,
        "restricts": restricts,
        "numeric_restricts": st.lists(numbers, max_size=3),
        "crowding_tag": texts,
    },
)


@settings(max_examples=200)
@given(several=st.lists(records, min_size=1, max_size=5))
def test_every_record_has_the_bytes_that_fastavro_writes(several):
    out = io.BytesIO()
    fastavro.writer(out, avro.SCHEMA, [in_python(record) for record in several], sync_marker=avro._MARKER)
    assert avro.header() + avro.block([avro.encoded(record) for record in several]) == out.getvalue()


@pytest.mark.parametrize(
    "rules",
    [
        RULES,
        DatapointRules(),
        DatapointRules(restrict_namespace="class", crowding_tags=("a", "b")),
        DatapointRules(restrict_columns=("color", "size"), crowding_column="color"),
        DatapointRules(restrict_columns=("price", "weight"), crowding_column="price"),
    ],
    ids=["all", "none", "notebook", "gaps in columns", "numbers"],
)
def test_a_whole_file_has_the_bytes_that_fastavro_writes(path, tmp_path, rules):
    (file,) = write(path, tmp_path, "avro", rules)
    with VectorFile(path) as vectors:
        rows = [
            in_python(record) for block in vectors.blocks(rules.columns) for record in rules.records(block)
        ]
    out = io.BytesIO()
    fastavro.writer(out, avro.SCHEMA, rows, sync_marker=avro._MARKER)
    assert (tmp_path / file.name).read_bytes() == out.getvalue()


def in_python(record):
    """A record with lists in place of arrays."""
    if isinstance(record, np.ndarray):
        return record.tolist()
    return {name: in_python(value) for name, value in record.items()} if isinstance(record, dict) else record
