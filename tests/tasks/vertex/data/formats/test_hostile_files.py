"""Parquet, Arrow, NumPy, vecs and JSON lines that Hypothesis makes up and damages: valid blocks, or one error that names the file.

Whatever the file: never another exception, a crash or a hang, and never beyond the memory bound, as for HDF5
(test_hostile_hdf5.py).
"""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.tasks.vertex.data.hostility import damaged, damages, outcome_of

pytestmark = pytest.mark.slow
ROWS = 9
SPECIAL = (0.0, 1.5, float("nan"), float("inf"), 1e39, None)
NUMBERS = (
    pa.float16(),
    pa.float32(),
    pa.float64(),
    pa.int8(),
    pa.uint8(),
    pa.int64(),
    pa.bool_(),
    pa.string(),
)
IDS = (
    pa.string(), pa.large_string(), pa.int64(), pa.uint64(), pa.binary(), pa.dictionary(pa.int8(), pa.string()), pa.float64(),
    pa.timestamp("ns"), pa.null(), pa.list_(pa.string()), pa.struct([("a", pa.int8())]), pa.decimal128(9, 2),
)  # fmt: skip
TABLES = ("parquet", "parquet", "zstd", "dictionary off", "two row groups", "arrow", "arrow", "lz4", "stream")


def array_of(values, kind):
    """The values as this type; nulls if they do not fit."""
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.nulls(len(values), kind)


@st.composite
def tables(draw):
    number, shape = (
        draw(st.sampled_from(NUMBERS)),
        draw(st.sampled_from(("fixed", "list", "large", "ragged", "plain"))),
    )
    rows = draw(st.sampled_from([0, 1, ROWS, ROWS, ROWS]))
    values = [[float(row + i) for i in range(4)] for row in range(rows)]
    for special in draw(st.lists(st.sampled_from(SPECIAL), max_size=2)):
        if rows:
            values[draw(st.integers(0, rows - 1))][draw(st.integers(0, 3))] = special
    if shape == "ragged" and rows:
        values[-1] = draw(st.sampled_from([None, [], [1.0]]))
    lists = {"fixed": pa.list_(number, 4), "large": pa.large_list(number), "plain": number}.get(
        shape, pa.list_(number)
    )
    columns = {
        "embedding": array_of([row and row[0] for row in values] if shape == "plain" else values, lists)
    }
    for name in ("id", "color"):
        if draw(st.booleans()):
            kind = draw(st.sampled_from(IDS))
            columns[name] = array_of([f"{name} {row}" for row in range(rows)], kind)
            if pa.types.is_integer(kind):
                columns[name] = array_of(
                    [row * draw(st.sampled_from([1, -1, 2**61])) for row in range(rows)], kind
                )
    names = [draw(st.sampled_from([name, name, name, "embedding"])) for name in columns]
    return draw(st.sampled_from(TABLES)), pa.table(list(columns.values()), names)


def write_table(path, drawn):
    how, table = drawn
    if how in ("arrow", "lz4", "stream"):
        options = pa.ipc.IpcWriteOptions(compression="lz4" if how == "lz4" else None)
        new = pa.ipc.new_stream if how == "stream" else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=4)
        return
    options = {"zstd": {"compression": "zstd"}, "dictionary off": {"use_dictionary": False}, "two row groups": {"row_group_size": 5}}  # fmt: skip
    try:
        pq.write_table(table, path, **options.get(how, {}))
    except (pa.ArrowException, TypeError, ValueError):  # what Parquet has no place for
        path.write_bytes(b"PAR1")


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=tables(), damage=damages)
def test_a_hostile_table_gives_valid_blocks_or_one_clear_error(reader, tmp_path, drawn, damage):
    path = tmp_path / "hostile.table"
    write_table(path, drawn)
    damaged(path, damage, spared=8)  # the magic number
    event(outcome_of(reader, path))


DTYPES = (
    "<f4",
    ">f4",
    "<f2",
    "<f8",
    "i1",
    "u1",
    "<i8",
    "?",
    "<c8",
    "S3",
    "<U2",
    "<M8[s]",
    "V4",
    np.dtype([("a", "f4")]),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.sampled_from([(ROWS, 4), (ROWS, 4), (ROWS, 4), (0, 4), (4, 0), (ROWS,), (), (2, 2, 2)]),
    suffix=st.sampled_from(["npy", "npy", "npy in columns", "fvecs", "bvecs", "csr"]),
    damage=damages,
)
def test_a_hostile_array_gives_valid_blocks_or_one_clear_error(
    reader, tmp_path, dtype, shape, suffix, damage
):
    path = tmp_path / f"hostile.{suffix.split()[0]}"
    array = np.zeros(shape, dtype)
    if suffix.startswith("npy"):
        with path.open("wb") as file:
            np.save(file, np.asfortranarray(array) if suffix != "npy" else array)
    elif suffix == "csr":
        path.write_bytes(b"".join(np.array(part, kind).tobytes() for part, kind in (([2, 9, 3, 0, 1, 3], "<i8"), ([4, 1, 8], "<i4"), ([1, 2, 3], "<f4"))))  # fmt: skip
    else:
        rows = b"".join(
            b"\4\0\0\0" + bytes(16 if suffix == "fvecs" else 4) for _ in range(shape[0] if shape else 0)
        )
        path.write_bytes(rows)
    damaged(path, damage, spared=6 if suffix.startswith("npy") else 0)
    event(outcome_of(reader, path))


odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.lists(st.floats(), max_size=5),
    st.just({}), st.just([[]]), st.just([{"namespace": "n", "allow": ["x"]}]), st.just([{"namespace": "n", "value_int": 2**63}]),
)  # fmt: skip
FIELDS = (
    "id",
    "embedding",
    "sparse_embedding",
    "restricts",
    "numeric_restricts",
    "crowding_tag",
    "embedding_metadata",
    "other",
)


@st.composite
def records(draw):
    found = []
    for row in range(draw(st.integers(0, ROWS))):
        record = {"id": f"id {row}", "embedding": [float(row), 1.0, 2.0]}
        if draw(st.booleans()):
            record["sparse_embedding"] = {"values": [1.0, 2.0], "dimensions": [row, 5]}
        for name in draw(st.lists(st.sampled_from(FIELDS), max_size=1)):
            record[name] = draw(odd)
        found.append(record)
    return found


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(made=records(), damage=damages)
def test_hostile_json_lines_give_valid_blocks_or_one_clear_error(reader, tmp_path, made, damage):
    path = tmp_path / "hostile.jsonl"
    path.write_bytes("\n".join(json.dumps(record, ensure_ascii=False) for record in made).encode("utf-8", "surrogatepass") or b"{}")  # fmt: skip
    damaged(path, damage, spared=1)
    event(outcome_of(reader, path))
