import base64
import errno
import itertools
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import google_crc32c
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.vertex.data import errors, import_files
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.import_formats import WRITTEN_AT_ONCE
from tasks.vertex.data.rules import NOTEBOOK_RULES, DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile


def write(path, folder, rules=None, **options):
    with VectorFile(path) as file:
        return write_import_files(file, rules or DatapointRules(), folder, **options)


def lines(folder, files):
    return [json.loads(line) for file in files for line in (folder / file.name).read_bytes().splitlines()]


def test_the_sample_arrives_bit_for_bit_with_the_seeds_restricts_and_tags(sample, tmp_path):
    records = lines(tmp_path, write(sample, tmp_path, NOTEBOOK_RULES))
    with h5py.File(sample) as file:
        wanted = file["train"][:]
    read = np.array([record["embedding"] for record in records], dtype=np.float32)
    np.testing.assert_array_equal(read.view(np.uint32), wanted.view(np.uint32))
    assert {tuple(record) for record in records} == {("id", "embedding", "restricts", "crowding_tag")}
    assert records[7]["restricts"] == [{"namespace": "class", "allow": ["7"]}]
    assert [record["crowding_tag"] for record in records[:3]] == ["a", "b", "a"]


floats = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=True)
extremes = st.sampled_from(
    [-0.0, 1e-45, 1.1754942e-38, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 16777217.0]
)


@settings(max_examples=100)
@given(values=st.lists(floats | extremes, min_size=1, max_size=20))
def test_every_float32_reads_back_bit_for_bit(write_hdf5, values):
    row = np.array([values], dtype=np.float32)
    with TemporaryDirectory() as folder:
        (record,) = lines(Path(folder), write(write_hdf5(train=row), Path(folder)))
    read = np.array([record["embedding"]], dtype=np.float32)
    assert read.tobytes() == row.tobytes()


@settings(max_examples=50)
@given(ids=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1), min_size=1))
def test_any_text_can_be_an_id_and_stays_on_one_line(write_hdf5, ids):
    with TemporaryDirectory() as folder:
        path = write_hdf5(train=np.ones((len(ids), 1), np.float32), ids=ids)
        (file,) = write(path, Path(folder))
        raw = (Path(folder) / file.name).read_bytes()
    assert raw.count(b"\n") == len(ids)
    assert [json.loads(line)["id"] for line in raw.split(b"\n")[:-1]] == ids


def test_files_stay_under_their_size_and_cover_every_row_once(sample, tmp_path):
    files = write(sample, tmp_path, NOTEBOOK_RULES, shard_bytes=1_000_000)
    assert [file.name for file in files] == [f"datapoints-{n:05}.json" for n in range(10)]
    assert all(file.size <= 1_000_000 for file in files)
    assert files[0].first_row == 0
    assert files[-1].last_row == 9999
    assert all(one.last_row + 1 == other.first_row for one, other in itertools.pairwise(files))
    assert [record["id"] for record in lines(tmp_path, files)] == [str(row) for row in range(10_000)]


def test_the_manifest_tells_size_and_checksum_as_cloud_storage_does(sample, tmp_path):
    for file in write(sample, tmp_path, shard_bytes=3_000_000):
        content = (tmp_path / file.name).read_bytes()
        assert file.size == len(content)
        assert file.crc32c == base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


def test_bytes_and_checksums_are_handed_on_many_at_a_time(sample, tmp_path, monkeypatch):
    """A guard of the speed in counts: one for every record takes a third of the time again."""
    checked, usual = [], google_crc32c.extend
    monkeypatch.setattr(
        google_crc32c, "extend", lambda crc, content: checked.append(len(content)) or usual(crc, content)
    )
    (file,) = write(sample, tmp_path)
    assert sum(checked) == file.size
    assert len(checked) <= file.size // WRITTEN_AT_ONCE + 1


def test_the_same_data_gives_the_same_files(sample, tmp_path):
    assert write(sample, tmp_path / "one", shard_bytes=2**20) == write(
        sample, tmp_path / "two", shard_bytes=2**20
    )


def test_older_files_of_ours_go_and_anything_else_stays(write_hdf5, vectors_of, tmp_path):
    for name in ("datapoints-00007.json", "datapoints-00000.json.part", "notes.json"):
        (tmp_path / name).write_text("old")
    write(write_hdf5(train=vectors_of(3)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datapoints-00000.json", "notes.json"]


def test_a_record_longer_than_a_file_may_be_gets_a_file_of_its_own(write_hdf5, vectors_of, tmp_path):
    files = write(write_hdf5(train=vectors_of(3)), tmp_path, shard_bytes=1)
    assert [(file.first_row, file.last_row) for file in files] == [(0, 0), (1, 1), (2, 2)]


def test_what_is_written_must_be_what_was_validated(write_hdf5, vectors_of, tmp_path):
    rules = DatapointRules(restrict_columns=("color",))
    path = write_hdf5(train=vectors_of(3), color=["red", "blue", "red"])
    with VectorFile(path) as file:
        content = validate_vectors(file, rules).content
    assert write(path, tmp_path, rules, content=content)
    with h5py.File(path, "a") as file:
        file["color"][1] = "green"
    with pytest.raises(errors.DataChanged, match=rf"{content}.*nothing was uploaded.*{path}"):
        write(path, tmp_path, rules, content=content)


def test_a_disk_that_they_may_fill_is_refused_before_anything_is_written(sample, tmp_path, monkeypatch):
    usual = shutil.disk_usage(tmp_path)
    size = sum(file.size for file in write(sample, tmp_path / "room", NOTEBOOK_RULES))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usual._replace(free=size))
    with pytest.raises(errors.NoRoom, match=rf"{size:,} bytes are free.*{tmp_path}.*VECTOR_SEARCH_HOME"):
        write(sample, tmp_path / "full", NOTEBOOK_RULES)
    assert not list((tmp_path / "full").iterdir())


@pytest.mark.parametrize("rows", [10_000, 3], ids=["while writing", "when closing"])
def test_a_disk_that_others_fill_meanwhile_is_told_as_one_without_room(
    write_hdf5, vectors_of, rows, tmp_path, monkeypatch
):
    path, folder = write_hdf5(train=vectors_of(rows)), tmp_path / "out"
    usual = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode: usual(Path("/dev/full") if path.suffix == ".part" else path, mode)
    )
    with pytest.raises(errors.NoRoom, match="VECTOR_SEARCH_HOME") as refused:
        write(path, folder)
    assert refused.value.__cause__.errno == errno.ENOSPC
    assert not list(folder.iterdir())


def test_more_files_than_the_service_takes_are_refused(write_hdf5, vectors_of, tmp_path, monkeypatch):
    monkeypatch.setattr(import_files, "MOST_FILES", 2)
    with pytest.raises(errors.TooManyImportFiles, match="more than 2 files"):
        write(write_hdf5(train=vectors_of(3)), tmp_path, shard_bytes=1)


def test_no_half_written_file_is_left_after_an_error(write_hdf5, vectors_of, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.vertex.data.matrices.BLOCK_ROWS", 2)
    rows = vectors_of(6)
    rows[5] = np.nan
    with pytest.raises(errors.NotFinite):
        write(write_hdf5(train=rows), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_bears_its_final_name_only_when_it_is_whole(sample, tmp_path):
    seen = set()
    write(sample, tmp_path, on_progress=lambda *_: seen.update(path.name for path in tmp_path.iterdir()))
    assert seen == {"datapoints-00000.json.part"}
    assert [path.name for path in tmp_path.iterdir()] == ["datapoints-00000.json"]


def test_progress_is_told_in_rows_up_to_the_last(sample, tmp_path):
    seen = []
    write(sample, tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4000, 10_000), (8000, 10_000), (10_000, 10_000)]


def test_numbers_from_columns_read_back_as_they_were(write_hdf5, vectors_of, tmp_path):
    price = np.array([0.1, 1e-320, 1.7976931348623157e308])
    weight = np.array([0.1, 1e-45, 3.4028235e38], dtype=np.float32)
    rules = DatapointRules(restrict_columns=("price", "weight"))
    records = lines(
        tmp_path, write(write_hdf5(train=vectors_of(3), price=price, weight=weight), tmp_path, rules)
    )
    read = [{n["namespace"]: n for n in record["numeric_restricts"]} for record in records]
    assert [row["price"]["value_double"] for row in read] == price.tolist()
    assert [np.float32(row["weight"]["value_float"]) for row in read] == weight.tolist()
