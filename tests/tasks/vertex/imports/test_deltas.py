"""Deltas: what is refused before anything is uploaded, and that equal ones have equal names."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.imports.deltas import DeltaSource, ensure_local_delta_files, read_delta, read_samples
from tasks.vertex.imports.import_data import DataSource


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Writes a delta: `source(["a", "b"], "c\\n", rules=...)`; without ids, or without a text, it has no such part."""
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))

    def written(ids=None, deletions=None, *, name="gone.txt", dimensions=4, data=True, **options):
        path = tmp_path / "data.hdf5"
        with h5py.File(path, "w") as file:
            file["train"] = np.arange(dimensions * len(ids or "ab"), dtype="f4").reshape(-1, dimensions)
            if ids is not None:
                file["ids"] = ids
        if deletions is not None:
            (tmp_path / name).write_text(deletions)
        return DeltaSource(
            data=DataSource(data=str(path), **options) if data else None,
            deletions=None if deletions is None else str(tmp_path / name),
        )

    return written


def delta_of(settings, source):
    return read_delta.fn(settings, "products", source, 4)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "The data names no ids, so its rows would overwrite the datapoints 0, 1, 2"),
        ({"ids": ["a", "b"], "dimensions": 3}, "another number of dimensions than the index products: 3"),
        ({"ids": ["a", "b"], "deletions": "c\nb\n"}, "An id is to be written and to be deleted: 'b'"),
        ({"ids": ["a", "b"], "deletions": "c\n d\n"}, "Id number 2 cannot be deleted by an import.*' d'"),
        ({"data": False, "name": "gone.jsonl", "deletions": '"x\\ny"'}, "Id number 1 cannot be deleted"),
        ({"data": False, "deletions": "c\nc\n"}, "An id occurs twice: 'c'"),
        ({"data": False, "deletions": "\n"}, "The file holds no id"),
    ],
    ids=["no ids", "dimensions", "both", "blanks", "line break", "twice", "nothing"],
)
def test_a_delta_that_the_service_would_refuse_or_misread_is_refused_by_name(settings, source, how, said):
    with pytest.raises(InvalidInput, match=said):
        delta_of(settings, source(**how))


def test_equal_deltas_have_equal_names_and_every_part_counts(settings, source):
    ids, gone = ["a", "b"], "c\nd\n"
    same = {delta_of(settings, source(ids, gone)).id for _ in range(2)}
    others = {
        delta_of(settings, source(["a", "x"], gone)).id,
        delta_of(settings, source(ids, "c\n")).id,
        delta_of(settings, source(ids)).id,
        delta_of(settings, source(deletions=gone, data=False)).id,
        delta_of(settings, source(ids, gone, rules=DatapointRules(crowding_tags=("t",)))).id,
    }
    assert len(same) == 1
    assert len(others - same) == 5


@pytest.mark.parametrize("import_format", ["jsonl", "avro"])
def test_its_files_are_those_of_an_import_with_the_ids_below_delete(settings, source, import_format):
    delta = delta_of(settings, source(["a", "b"], "c\nd\r\n"))
    folder, files = ensure_local_delta_files.fn(settings, "products", delta, import_format).there
    suffix = {"jsonl": "json", "avro": "avro"}[import_format]
    assert [file.name for file in files] == [f"datapoints-00000.{suffix}", "delete/ids-00000.txt"]
    assert [(folder / file.name).stat().st_size for file in files] == [file.size for file in files]
    assert (folder / "delete/ids-00000.txt").read_text() == "c\nd\n"
    if import_format == "jsonl":
        written = [json.loads(line) for line in (folder / files[0].name).read_text().splitlines()]
        assert [record["id"] for record in written] == ["a", "b"]


def test_samples_are_spread_over_all_of_it(settings, source):
    ids = [f"row {number}" for number in range(10)]
    delta = delta_of(settings, source(ids, "".join(f"gone {number}\n" for number in range(7))))
    datapoints, deleted = read_samples.fn(settings, delta, most=4)
    assert [point.id for point in datapoints] == ["row 0", "row 3", "row 6", "row 9"]
    assert datapoints[1].vector.tolist() == [12, 13, 14, 15]
    assert deleted == ["gone 0", "gone 2", "gone 4", "gone 6"]
