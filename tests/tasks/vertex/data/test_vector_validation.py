import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import InvalidInput
from tasks.vertex.data import errors, matrices
from tasks.vertex.data.formats.errors import UnknownFormat
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import ValidatedVectors, validate_vectors
from tasks.vertex.data.vectors import VectorFile

GOOD = np.arange(12, dtype=np.float32).reshape(4, 3)


def validate(path, rules=None, *, limit=None, **options):
    with VectorFile(path, limit=limit) as file:
        return validate_vectors(file, rules, **options)


def with_value(value, dtype=np.float32):
    rows = GOOD.astype(dtype)
    rows[2, 1] = value
    return rows


BAD_FILES = {
    "no train": ({"test": GOOD}, errors.DatasetMissing, "no dataset `train`.*`test`"),
    "no dataset at all": ({}, errors.DatasetMissing, "none at all"),
    "rank 1": ({"train": GOOD[0]}, errors.WrongShape, r"\(3,\)"),
    "rank 3": ({"train": GOOD[None]}, errors.WrongShape, r"\(1, 4, 3\)"),
    "no rows": ({"train": GOOD[:0]}, errors.WrongShape, r"\(0, 3\)"),
    "no columns": ({"train": GOOD[:, :0]}, errors.WrongShape, r"\(4, 0\)"),
    "empty dataspace": ({"train": h5py.Empty("f4")}, errors.WrongShape, "no shape"),
    "integers": (
        {"train": GOOD.astype(int)},
        errors.WrongType,
        "int64.*float32, float64, float16, int8 or uint8",
    ),
    "text": ({"train": [["a", "b"]]}, errors.WrongType, "object"),
    "NaN": ({"train": with_value(np.nan)}, errors.NotFinite, "in 1 row of `train`: row 2"),
    "infinity": ({"train": with_value(-np.inf)}, errors.NotFinite, "row 2"),
    "NaN in float16": ({"train": with_value(np.nan, np.float16)}, errors.NotFinite, "row 2"),
    "NaN in float64": ({"train": with_value(np.nan, np.float64)}, errors.NotFinite, "row 2"),
    "too large": ({"train": with_value(1e39, np.float64)}, errors.OverflowsFloat32, "row 2.*3.4028235e38"),
    "test of another length": (
        {"train": GOOD, "test": GOOD[:, :2]},
        errors.WrongDimensions,
        "2 dim.*`train` has 3",
    ),
    "test of rank 1": ({"train": GOOD, "test": GOOD[0]}, errors.WrongShape, "`test`"),
    "NaN in test": ({"train": GOOD, "test": with_value(np.nan)}, errors.NotFinite, "`test`: row 2"),
    "duplicate id": ({"train": GOOD, "ids": list("abca")}, errors.DuplicateId, "Rows 0 and 3 .*'a'"),
    "duplicate number": ({"train": GOOD, "ids": [5, 6, 6, 7]}, errors.DuplicateId, "Rows 1 and 2 .*'6'"),
    "empty id": ({"train": GOOD, "ids": ["a", "b", "", "c"]}, errors.EmptyId, "Row 2 of `ids`"),
    "id not UTF-8": ({"train": GOOD, "ids": [b"a", b"\xff", b"b", b"c"]}, errors.NotText, "Row 1 of `ids`"),
    "too few ids": ({"train": GOOD, "ids": ["a"]}, errors.WrongRowCount, "1 row, but there are 4 vectors"),
    "float ids": ({"train": GOOD, "ids": [0.5, 1, 2, 3]}, errors.WrongType, "strings or integers"),
    "ids of rank 2": ({"train": GOOD, "ids": GOOD.astype(int)}, errors.WrongShape, "one value per row"),
}


@pytest.mark.parametrize(("datasets", "error", "says"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_each_kind_of_bad_file_is_refused_with_a_sentence_of_its_own(write_hdf5, datasets, error, says):
    path = write_hdf5(**datasets)
    with pytest.raises(error, match=says) as caught:
        validate(path)
    assert isinstance(caught.value, InvalidInput)
    assert str(path) in str(caught.value)
    assert "Accepted:" in str(caught.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(errors.DataFileMissing, match=r"no/such\.hdf5"):
        validate(Path("no/such.hdf5"))


def test_a_folder_is_not_a_data_file(tmp_path):
    with pytest.raises(errors.DataFileMissing):
        validate(tmp_path)


@pytest.mark.parametrize("content", [b"", b"id,vector\n1,0.5\n"], ids=["empty", "CSV"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "vectors.hdf5"
    path.write_bytes(content)
    with pytest.raises(UnknownFormat):
        validate(path)


def test_a_file_cut_short_is_refused(sample, tmp_path):
    path = tmp_path / "short.hdf5"
    path.write_bytes(sample.read_bytes()[:100_000])
    with pytest.raises(errors.TruncatedFile, match="truncated"):
        validate(path)


def test_damaged_rows_are_named(write_hdf5, vectors_of):
    path = write_hdf5(train=vectors_of(1000, 100), chunks=(500, 100))
    with h5py.File(path) as file:
        chunk = file["train"].id.get_chunk_info(1)
    raw = bytearray(path.read_bytes())
    raw[chunk.byte_offset : chunk.byte_offset + 1000] = bytes(1000)
    path.write_bytes(raw)
    with pytest.raises(errors.UnreadableRows, match="of the dataset `train` cannot be read"):
        validate(path)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(sample, limit):
    with pytest.raises(errors.LimitBelowOne, match=str(limit)):
        validate(sample, limit=limit)


def test_all_bad_rows_are_counted_and_the_first_ten_named(write_hdf5, vectors_of, monkeypatch):
    monkeypatch.setattr(matrices, "BLOCK_ROWS", 7)
    rows = vectors_of(100)
    rows[5::4, 0] = np.inf
    with pytest.raises(errors.NotFinite, match=r"in 24 rows .*rows 5, 9, .*41 and 14 more") as caught:
        validate(write_hdf5(train=rows))
    assert caught.value.rows == tuple(range(5, 45, 4))
    assert caught.value.total == 24


def test_bad_rows_beyond_the_limit_do_not_matter(write_hdf5, vectors_of):
    rows = vectors_of(10)
    rows[9] = np.nan
    path = write_hdf5(train=rows, ids=[str(min(row, 8)) for row in range(10)])
    assert validate(path, limit=9).rows == 9


def test_of_a_file_appended_to_itself_the_first_repeated_row_is_told_without_reading_every_id(
    write_hdf5, monkeypatch
):
    path = write_hdf5(train=np.ones((2000, 1), np.float32), ids=[f"id {row % 1000}" for row in range(2000)])
    read, sizes = VectorFile.ids, []

    def ids(self, start, stop):
        sizes.append(stop - start)
        return read(self, start, stop)

    monkeypatch.setattr(VectorFile, "ids", ids)
    with pytest.raises(errors.DuplicateId) as twice:
        validate(path)
    assert (twice.value.id, twice.value.first_row, twice.value.second_row) == ("id 0", 0, 1000)
    assert sizes.count(1) == 2


def test_missing_queries_matter_only_where_they_are_needed(write_hdf5):
    path = write_hdf5(train=GOOD)
    assert validate(path).queries == 0
    with pytest.raises(errors.DatasetMissing, match=r"no dataset `test`.*`train`"):
        validate(path, queries_needed=True)


BAD_COLUMNS = {
    "missing": ({}, {"restrict_columns": ("x",)}, errors.DatasetMissing),
    "too short": ({"x": [1, 2]}, {"restrict_columns": ("x",)}, errors.WrongRowCount),
    "matrix": ({"x": GOOD}, {"restrict_columns": ("x",)}, errors.WrongShape),
    "complex": ({"x": np.ones(4, complex)}, {"restrict_columns": ("x",)}, errors.WrongType),
    "infinity": ({"x": np.array([0, np.inf, 1, 2])}, {"restrict_columns": ("x",)}, errors.NotFinite),
    "uint64": ({"x": np.array([0, 2**63, 1, 2], "u8")}, {"restrict_columns": ("x",)}, errors.OutsideInt64),
    "float tag": ({"x": np.ones(4)}, {"crowding_column": "x"}, errors.WrongType),
}


@pytest.mark.parametrize(("datasets", "rules", "error"), BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_each_kind_of_bad_metadata_column_is_refused(write_hdf5, datasets, rules, error):
    with pytest.raises(error, match="`x`"):
        validate(write_hdf5(train=GOOD, **datasets), DatapointRules(**rules))


def test_progress_is_told_in_rows_up_to_the_last(sample):
    seen = []
    validate(sample, limit=9000, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4000, 9000), (8000, 9000), (9000, 9000)]


def test_the_sample_is_good(sample):
    found = validate(sample)
    assert found == ValidatedVectors(
        name=str(sample), rows=10_000, dimensions=100, queries=200, dense_rows=10_000, content=found.content
    )
    assert len(found.content) == 24
    assert int(found.content, 16)


def test_equal_data_has_equal_content_however_it_is_stored(write_hdf5, vectors_of, monkeypatch):
    rows = vectors_of(300)
    content = validate(write_hdf5(train=rows)).content
    assert validate(write_hdf5(train=rows.astype(np.float64), chunks=(70, 2))).content == content
    assert validate(write_hdf5(train=rows, ids=[str(i) for i in range(300)])).content == content
    assert validate(write_hdf5(train=np.tile(rows, (2, 1)), test=rows), limit=300).content == content
    monkeypatch.setattr(matrices, "BLOCK_ROWS", 11)
    assert validate(write_hdf5(train=rows)).content == content


def test_other_data_or_other_rules_have_another_content(write_hdf5):
    price = [1.0, 2.0, np.nan, 4.0]
    by_price = DatapointRules(restrict_columns=("price",))
    contents = [
        validate(write_hdf5(train=GOOD)).content,
        validate(write_hdf5(train=GOOD), limit=3).content,
        validate(write_hdf5(train=np.nextafter(GOOD, np.float32(99)))).content,
        validate(write_hdf5(train=GOOD.reshape(3, 4))).content,
        validate(write_hdf5(train=GOOD[::-1])).content,
        validate(write_hdf5(train=GOOD, ids=list("abcd"))).content,
        validate(write_hdf5(train=GOOD, ids=["a", "b", "cd", "e"])).content,
        validate(write_hdf5(train=GOOD), DatapointRules(crowding_tags=("a",))).content,
        validate(write_hdf5(train=GOOD, price=price), by_price).content,
        validate(write_hdf5(train=GOOD, price=[1.0, 2.0, 3.0, 4.0]), by_price).content,
    ]
    assert len(set(contents)) == len(contents)


def test_another_process_finds_the_same_content(sample):
    script = (
        "import sys, pathlib\n"
        "from tasks.vertex.data.vectors import VectorFile\n"
        "from tasks.vertex.data.validation import validate_vectors\n"
        "with VectorFile(pathlib.Path(sys.argv[1])) as file: print(validate_vectors(file).content)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(sample)],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.strip() == validate(sample).content


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(st.text("ab", max_size=3), min_size=1, max_size=8))
def test_repeated_and_empty_ids_are_always_found(write_hdf5, ids):
    path = write_hdf5(train=np.ones((len(ids), 1), np.float32), ids=ids)
    if "" in ids:
        with pytest.raises(errors.EmptyId) as empty:
            validate(path)
        assert empty.value.row == ids.index("")
    elif len(set(ids)) < len(ids):
        with pytest.raises(errors.DuplicateId) as twice:
            validate(path)
        assert twice.value.first_row == ids.index(twice.value.id) < twice.value.second_row
        assert ids[twice.value.second_row] == twice.value.id
    else:
        assert validate(path).rows == len(ids)
