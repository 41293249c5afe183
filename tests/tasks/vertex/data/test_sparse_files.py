"""Files with sparse embeddings, alone or beside dense vectors: read as records, named by their content, refused by row."""

import h5py
import numpy as np
import orjson
import pytest
import scipy.sparse

from tasks.errors import InvalidInput
from tasks.vertex.data import matrices, sparse
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors
from tests.tasks.vertex.data.test_import_formats import avro_records, plain

ROWS = 60


@pytest.fixture
def matrix():
    """Every tenth row has no value."""
    dense = np.random.default_rng(3).normal(size=(ROWS, 40)).astype("f4")
    dense[np.abs(dense) < 1] = 0
    dense[::10] = 0
    return scipy.sparse.csr_array(dense)


@pytest.fixture
def write(tmp_path):
    """write(sparse=matrix, **datasets) -> path; a matrix becomes a group in CSR."""

    def write(name="rows.hdf5", **datasets):
        with h5py.File(tmp_path / name, "w") as file:
            for name_, values in datasets.items():
                if not scipy.sparse.issparse(values):
                    file[name_] = values
                    continue
                for part in ("indptr", "indices", "data", "shape"):
                    file[f"{name_}/{part}"] = getattr(values, part)
        return tmp_path / name

    return write


def content(path, **names):
    with VectorFile(path, names=Names(**names)) as file:
        return validate_vectors(file).content


def written(path, folder, import_format="jsonl", **names):
    with VectorFile(path, names=Names(**names)) as file:
        validated = validate_vectors(file)
        files = write_import_files(file, DatapointRules(), folder, content=validated.content, import_format=import_format)  # fmt: skip
    if import_format == "avro":
        return validated, [plain(record) for record in avro_records(folder, files)]
    lines = [line for file in files for line in (folder / file.name).read_bytes().splitlines()]
    return validated, [orjson.loads(line) for line in lines]


@pytest.mark.parametrize("import_format", ["jsonl", "avro"])
def test_hybrid_rows_become_records_with_both_vectors(write, matrix, vectors_of, tmp_path, import_format):
    path = write(train=vectors_of(ROWS), train_sparse=matrix)
    validated, records = written(path, tmp_path / "out", import_format, sparse="train_sparse")
    assert (validated.rows, validated.dense_rows, validated.sparse_rows) == (ROWS, ROWS, 54)
    assert validated.size == "60 rows of 4 dimensions, 54 of them with a sparse embedding"
    assert validated.vectors == "60 vectors and 54 sparse vectors"
    for row, record in enumerate(records):
        assert np.float32(record["embedding"]).tolist() == vectors_of(ROWS)[row].tolist()
        assert ("sparse_embedding" in record) == (row % 10 > 0)
        if row % 10:
            found, wanted = record["sparse_embedding"], matrix[[row]]
            assert found["dimensions"] == wanted.indices.tolist()
            assert np.float32(found["values"]).tolist() == wanted.data.tolist()


def test_a_group_in_place_of_train_is_read_as_sparse_rows_alone(write, matrix, tmp_path):
    some = matrix[np.arange(ROWS) % 10 > 0]
    path = write(train=some, test=some[:7])
    validated, records = written(path, tmp_path / "out")
    assert (validated.dimensions, validated.dense_rows, validated.sparse_rows) == (0, 0, 54)
    assert (validated.queries, validated.unused) == (7, ())
    assert not any("embedding" in record for record in records)
    with VectorFile(path) as file:
        asked = file.asked()
        assert asked.sparse(2, start=3).values.tolist() == some[3:5].data.tolist()
        assert file.queries().shape == (0, 0)


def test_rows_without_any_vector_are_named(write, matrix):
    with pytest.raises(
        InvalidInput, match=r"Neither a dense vector nor .* in 6 rows: rows 0, 10, 20, 30, 40 and 50"
    ):
        content(write(train=matrix))


def test_the_content_is_that_of_the_rows_however_they_are_cut(write, matrix, vectors_of, monkeypatch):
    rows = vectors_of(ROWS)
    path = write(train=rows, s=matrix)
    found = content(path, sparse="s")
    with h5py.File(path, "a") as file:
        file["other/s/indptr"], file["other/s/data"] = matrix.indptr.astype("u8"), matrix.data.astype("f8")
        file["other/s/indices"] = matrix.indices.astype("u2")
    monkeypatch.setattr(matrices, "BLOCK_ROWS", 7)
    monkeypatch.setattr(sparse, "BLOCK_VALUES", 50)
    assert content(path, sparse="other/s") == found
    one_less, other = matrix.copy(), matrix.copy()
    one_less.data[-1] *= 2
    other.indices[5:7] = [38, 39]
    changed = [content(write("other.hdf5", train=rows, s=each), sparse="s") for each in (one_less, other)]
    assert len({found, content(path), *changed}) == 4


def test_sparse_rows_that_hold_nothing_leave_the_content_of_the_dense_ones(write, vectors_of):
    empty = scipy.sparse.csr_array((ROWS, 5), dtype="f4")
    path = write(train=vectors_of(ROWS), s=empty)
    assert content(path, sparse="s") == content(path)


def test_the_content_of_dense_vectors_alone_is_what_it_was_before_sparse_ones_were_read(write):
    rows = np.arange(12, dtype="f4").reshape(4, 3)
    assert content(write(train=rows)) == "49c3a080dae338fe3bd57809"


@pytest.mark.parametrize(
    ("changed", "names", "said"),
    [
        ({"s": lambda m: m[:-1]}, {"sparse": "s"}, "`s` has 59 rows, but there are 60 vectors"),
        ({"test": lambda _: np.ones((3, 4), "f4"), "t": lambda m: m[:5]}, {"sparse": "s", "sparse_queries": "t"}, "`t` has 5 rows, but there are 3 dense query vectors"),
        ({}, {"sparse": "gone"}, "no dataset `gone/indptr`; it has: `s`, `train`"),
        ({}, {"vectors": "s"}, "`s` is no dataset; it is a group of sparse rows, which --sparse-from takes"),
        ({"s": lambda m: m * np.inf}, {"sparse": "s"}, "NaN or infinity in .* of `s/data`"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(write, matrix, vectors_of, changed, names, said):
    parts = {"train": vectors_of(ROWS), "s": matrix}
    with np.errstate(all="ignore"):
        parts |= {name: made(matrix) for name, made in changed.items()}
    with pytest.raises(InvalidInput, match=said):
        content(write(**parts), **names)


def test_formats_without_sparse_rows_say_where_they_are_read_from(vectors_of, tmp_path):
    np.save(tmp_path / "rows.npy", vectors_of(3))
    with (
        pytest.raises(InvalidInput, match=r"not read from a NumPy file.*HDF5 with a group"),
        open_vectors(str(tmp_path / "rows.npy"), names=Names(sparse="s")),
    ):
        pass


def test_a_group_that_nobody_asked_for_is_named_as_unused(write, matrix, vectors_of):
    with VectorFile(write(train=vectors_of(ROWS), **{"more/train": matrix})) as file:
        assert file.unused() == ["more"]
    with VectorFile(write(train=vectors_of(ROWS), **{"more/train": matrix}), names=Names(sparse="more/train")) as file:  # fmt: skip
        assert file.unused() == []
