"""One set of rows in every format: read alike, hashed alike."""

import sys
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.data import errors
from tasks.vertex.data.formats import arrow_files, opening
from tasks.vertex.data.formats import errors as format_errors
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors

ROWS = np.linspace(-1, 1, 10_000 * 6, dtype=np.float32).reshape(-1, 6)
IDS = [f"sku-{number}" for number in range(len(ROWS))]


def fixed(rows, dtype=None):
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), dtype), rows.shape[1])


def table(vectors=None, **columns):
    return pa.table({"embedding": fixed(ROWS) if vectors is None else vectors} | columns)


def write_parquet(path, made, **options):
    pq.write_table(made, path, **options)


def write_arrow(path, made, **options):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, made.schema, **options) as writer:
        writer.write_table(made, max_chunksize=3000)


def write_stream(path, made):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made, max_chunksize=3000)


def write_vecs(path, made):
    rows = np.stack(made["embedding"].to_numpy()).astype("<f4")
    heads = np.full((len(rows), 1), rows.shape[1], "<i4").view("<f4")
    np.hstack([heads, rows]).tofile(path)


WITH_IDS = {
    "parquet": write_parquet,
    "parquet in row groups": partial(write_parquet, row_group_size=3000, compression="zstd"),
    "arrow": write_arrow,
    "feather": partial(write_arrow, options=pa.ipc.IpcWriteOptions(compression="lz4")),
    "arrow stream": write_stream,
}


def everything(path, names=None, columns=(), **options):
    with VectorFile(path, names=names, **options) as file:
        blocks = list(file.blocks(columns))
        return [id_ for block in blocks for id_ in block.ids], np.concatenate([b.vectors for b in blocks])


@pytest.mark.parametrize("write", WITH_IDS.values(), ids=WITH_IDS)
@pytest.mark.parametrize("vectors", ["fixed", "list"])
def test_every_table_reads_back_as_it_is_and_has_the_content_of_the_same_hdf5(
    tmp_path, write_hdf5, write, vectors
):
    lists = fixed(ROWS) if vectors == "fixed" else fixed(ROWS).cast(pa.list_(pa.float32()))
    path = tmp_path / "rows"
    colors, prices = ["red", ""] * 5000, list(range(10_000))
    write(path, table(lists, id=IDS, color=pa.array(colors), price=prices))
    ids, rows = everything(path, columns=("color", "price"))
    assert ids == IDS
    np.testing.assert_array_equal(rows, ROWS)
    rules = DatapointRules(restrict_columns=("color", "price"))
    hdf5 = write_hdf5(train=ROWS, ids=IDS, color=colors, price=prices)
    with VectorFile(path) as file, VectorFile(hdf5) as same:
        assert validate_vectors(file, rules).content == validate_vectors(same, rules).content


@pytest.mark.parametrize("suffix", ["npy", "npy in columns", "fvecs"])
def test_every_array_reads_back_as_it_is_with_ids_from_a_file_beside(tmp_path, suffix):
    path, lines, array = tmp_path / f"rows.{suffix}", tmp_path / "ids.txt", tmp_path / "ids.npy"
    if suffix == "fvecs":
        write_vecs(path, table())
    else:
        with path.open("wb") as file:
            np.save(file, ROWS if suffix == "npy" else np.asfortranarray(ROWS))
    lines.write_text("\n".join(IDS))
    np.save(array, np.array(IDS))
    ids, rows = everything(path)
    assert ids == [str(row) for row in range(len(ROWS))]
    np.testing.assert_array_equal(rows, ROWS)
    for beside in (lines, array):
        assert everything(path, Names(ids=str(beside)))[0] == IDS
    with pytest.raises(errors.DatasetMissing, match=r"no dataset `.*gone\.txt`"):
        everything(path, Names(ids=str(tmp_path / "gone.txt")))


def test_bytes_of_bvecs_are_vectors(tmp_path):
    path = tmp_path / "rows.bvecs"
    path.write_bytes(b"".join(b"\2\0\0\0" + bytes([row, 255]) for row in range(5)))
    np.testing.assert_array_equal(everything(path)[1], [[row, 255] for row in range(5)])
    path.write_bytes(path.read_bytes()[:-6] + b"\1\0\0\0\7\7")
    with pytest.raises(format_errors.NotAVector, match=r"Row 4 of `array`.* has 1 numbers"):
        everything(path)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1"])
def test_every_type_becomes_float32_and_the_conversion_is_known(tmp_path, write_hdf5, dtype):
    rows = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(tmp_path / "rows.npy", rows)
    write_parquet(tmp_path / "rows.parquet", table(fixed(rows)))
    for path in (tmp_path / "rows.npy", tmp_path / "rows.parquet", write_hdf5(train=rows)):
        with VectorFile(path) as file:
            assert file.converted_from == (None if dtype == "f4" else np.dtype(dtype).name)
            (block,) = file.blocks()
        assert block.vectors.dtype == np.float32
        np.testing.assert_array_equal(block.vectors, rows.astype(np.float32))


def test_any_name_is_taken_also_inside_of_groups(write_hdf5, tmp_path):
    import h5py

    path = write_hdf5()
    with h5py.File(path, "a") as file:
        file["model/vectors"], file["model/keys"], file["asked"] = ROWS[:9], IDS[:9], ROWS[:2]
    with VectorFile(path, names=Names(vectors="model/vectors", ids="model/keys", queries="asked")) as file:
        (block,) = file.blocks()
        assert block.ids == IDS[:9]
        assert file.query_rows == 2
    write_parquet(tmp_path / "t", pa.table({"vector": fixed(ROWS), "key": IDS}))
    assert everything(tmp_path / "t", Names(vectors="vector", ids="key"))[0] == IDS
    with pytest.raises(errors.DatasetMissing, match="no dataset `embedding`; it has: `vector`, `key`"):
        everything(tmp_path / "t")


def test_queries_come_from_another_file_where_the_format_has_no_place_for_them(tmp_path):
    np.save(tmp_path / "queries.npy", ROWS[:7])
    write_parquet(tmp_path / "rows.parquet", table())
    asked = Names(queries=str(tmp_path / "queries.npy"))
    with open_vectors(str(tmp_path / "rows.parquet"), names=asked) as file:
        assert validate_vectors(file).queries == 7
        np.testing.assert_array_equal(file.queries(3, start=2), ROWS[2:5])
    np.save(tmp_path / "queries.npy", ROWS[:7, :5])
    with (
        open_vectors(str(tmp_path / "rows.parquet"), names=asked) as file,
        pytest.raises(errors.WrongDimensions, match="have 5 dimensions, but `embedding` has 6"),
    ):
        file.queries()
    with (
        VectorFile(tmp_path / "rows.parquet") as file,
        pytest.raises(format_errors.QueriesMissing, match="--queries-from"),
    ):
        file.queries()


@pytest.mark.parametrize("test", [np.empty((0, 6), "f4"), np.empty((0,), "f4")], ids=["no rows", "no shape"])
def test_an_empty_test_set_is_none(write_hdf5, test):
    with VectorFile(write_hdf5(train=ROWS[:5], test=test)) as file:
        assert validate_vectors(file).queries == 0
        assert file.queries().shape == (0, 6)
        with pytest.raises(format_errors.NoQueries, match="no rows"):
            validate_vectors(file, queries_needed=True)


def test_what_a_column_lacks_is_no_value_of_its_row(tmp_path):
    columns = {
        "color": pa.array(["red", None, ""]),
        "kind": pa.array(["a", None, "a"]).dictionary_encode(),
        "stock": pa.array([2**62 + 1, None, 0]),
        "price": pa.array([0.5, None, 2], pa.float32()),
        "sold": pa.array([True, None, False]),
    }
    write_parquet(tmp_path / "t", table(fixed(ROWS[:3]), **columns))
    rules = DatapointRules(restrict_columns=tuple(columns), crowding_column="stock")
    with VectorFile(tmp_path / "t") as file:
        (block,) = file.blocks(rules.columns)
    first, second, third = rules.records(block)
    assert [one["namespace"] for one in first["restricts"]] == ["color", "kind", "sold"]
    assert first["numeric_restricts"][0] == {"namespace": "stock", "value_int": 2**62 + 1}
    assert first["crowding_tag"] == str(2**62 + 1)
    assert {"restricts", "numeric_restricts", "crowding_tag"}.isdisjoint(second)
    assert third["restricts"] == [
        {"namespace": "kind", "allow": ["a"]},
        {"namespace": "sold", "allow": ["false"]},
    ]
    assert third["numeric_restricts"][0] == {"namespace": "stock", "value_int": 0}


def test_columns_that_are_not_used_are_known(tmp_path, write_hdf5):
    write_parquet(tmp_path / "t", table(id=IDS, color=IDS, price=IDS))
    with VectorFile(tmp_path / "t") as file:
        assert file.unused(("color",)) == ["price"]
    with VectorFile(
        write_hdf5(train=ROWS[:2], neighbors=ROWS[:2], train_words=["a", "b"], color=[1, 2])
    ) as file:
        assert file.unused() == ["color"]


BAD_ROWS = {
    "unequal lengths": (pa.array([[1.0, 2.0], [3.0]]), "Row 1 of `embedding`.* has 1 numbers"),
    "no vector": (pa.array([[1.0, 2.0], None]), r"Row 1 of `embedding`.* has no value \(null\)"),
    "no first vector": (pa.array([None, [1.0, 2.0]]), r"Row 0 of `embedding`.* has no value \(null\)"),
    "null inside": (
        pa.array([[1.0, 2.0], [3.0, 4.0], [None, 1.0]]),
        "Row 2 of `embedding`.* has a null among",
    ),
    "NaN": (pa.array([[1.0, 2.0], [3.0, np.nan]]), "NaN or infinity in 1 row of `embedding`: row 1"),
    "too large": (
        pa.array([[1.0, 2.0], [3.0, 1e300]]),
        "Too large for float32, in 1 row of `embedding`: row 1",
    ),
    "text": (pa.array([["a"], ["b"]]), "wrong type: 'list<.*: string>'"),
    "nested lists": (pa.array([[[1.0]], [[2.0]]]), "wrong type: 'list<.*: list<"),
    "one number": (pa.array([1.0, 2.0]), "wrong shape"),
    "times": (pa.array([0, 1], pa.timestamp("s")), "wrong type: 'timestamp"),
}


@pytest.mark.parametrize("write", [write_parquet, write_arrow], ids=["parquet", "arrow"])
@pytest.mark.parametrize(("vectors", "says"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_rows_that_are_no_vectors_are_named(tmp_path, write, vectors, says):
    write(tmp_path / "t", table(vectors))
    with pytest.raises(errors.InvalidInput, match=says) as caught, VectorFile(tmp_path / "t") as file:
        validate_vectors(file)
    assert str(tmp_path / "t") in str(caught.value)


def test_a_pickle_is_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return sys.exit, ("loaded",)

    path = tmp_path / "rows.npy"
    np.save(path, np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with pytest.raises(format_errors.Pickled, match="runs code from the file"):
        everything(path)


@pytest.mark.parametrize(
    "write", [*WITH_IDS.values(), lambda path, _: np.save(path, ROWS)], ids=[*WITH_IDS, "npy"]
)
def test_a_file_cut_short_is_one_clear_error(tmp_path, write):
    path = tmp_path / "rows.npy"
    write(path, table(id=IDS))
    whole = path.read_bytes()
    for size in (20, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        with pytest.raises(errors.InvalidInput, match=r"cannot be opened; it is damaged|cannot be read|NaN"):
            everything(path)


@pytest.mark.parametrize(
    "write", [write_parquet, write_arrow, write_stream], ids=["parquet", "arrow", "stream"]
)
@pytest.mark.parametrize(
    "damaged", [b"embedding", b"color", b"Europe/Berlin"], ids=["column", "field", "zone"]
)
def test_a_name_that_is_no_utf8_is_no_stack_trace(tmp_path, write, damaged):
    named = {"t": pa.array([0, 0], pa.timestamp("s", "Europe/Berlin")), "s": pa.array([{"color": 1}] * 2)}
    path = tmp_path / "named"
    write(path, table(fixed(ROWS[:2]), **named))
    path.write_bytes(path.read_bytes().replace(damaged, b"\xe9" * len(damaged)))
    for column in ("t", "s"):
        with pytest.raises(InvalidInput, match=str(path)):
            everything(path, columns=(column,))


def test_a_damaged_npy_header_is_one_clear_error_without_numpys_own_objects(tmp_path):
    path = tmp_path / "rows.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + b"garbage" * 20)
    with pytest.raises(errors.InvalidInput, match="its header cannot be read") as caught:
        everything(path)
    assert "object at" not in str(caught.value)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    write_parquet(tmp_path / "t", table())
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    with pytest.raises(format_errors.PyarrowMissing, match=r"pip install 'vector-search-ops\[parquet\]'"):
        everything(tmp_path / "t")


@pytest.mark.parametrize("write", [write_parquet, write_arrow], ids=["parquet", "arrow"])
def test_one_long_text_that_many_rows_share_is_refused_before_it_is_multiplied(tmp_path, write):
    color = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000), ["x" * 100_000])
    write(tmp_path / "t", table(color=color))
    with pytest.raises(errors.TooLargeForMemory, match="The text of rows"):
        everything(tmp_path / "t", columns=("color",))


def test_a_batch_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_files, "MOST_BATCH", 1000)
    write_arrow(tmp_path / "plain", table())
    assert len(everything(tmp_path / "plain")[0]) == len(ROWS)
    WITH_IDS["feather"](tmp_path / "packed", table())
    with pytest.raises(errors.TooLargeForMemory, match="record batch from row 0"):
        everything(tmp_path / "packed")
