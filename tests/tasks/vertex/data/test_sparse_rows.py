"""Sparse rows from HDF5 groups in CSR: read in blocks as scipy has them, and refused where they are damaged."""

import h5py
import numpy as np
import pytest
import scipy.sparse

from tasks.errors import InvalidInput
from tasks.vertex.data import sparse
from tasks.vertex.data.errors import DatasetMissing, NotADataset
from tasks.vertex.data.formats.hdf5 import Hdf5File
from tasks.vertex.data.sparse import SparseRows

SHAPE = (9000, 500)


@pytest.fixture(scope="module")
def matrix():
    """A tenth of the rows have no value."""
    rng = np.random.default_rng(7)
    found = scipy.sparse.random(*SHAPE, density=0.02, format="csr", dtype=np.float32, rng=rng)
    keep = scipy.sparse.diags_array((np.arange(SHAPE[0]) % 10 > 0).astype("f4"))
    found = scipy.sparse.csr_array(keep @ found)
    found.eliminate_zeros()
    return found


def write(file, group="train", **columns):
    with h5py.File(file, "w") as out:
        for name, values in columns.items():
            out[f"{group}/{name}"] = values
    return file


def csr(matrix, **changed):
    parts = {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data, "shape": matrix.shape}
    return {name: values for name, values in {**parts, **changed}.items() if values is not None}


def opened(file, group="train"):
    return SparseRows(Hdf5File(file, str(file)), group)


def test_blocks_hold_the_rows_that_scipy_has(tmp_path, matrix, monkeypatch):
    monkeypatch.setattr(sparse, "BLOCK_VALUES", 3000)
    rows = opened(write(tmp_path / "a.hdf5", "deep/inside/train", **csr(matrix)), "deep/inside/train")
    assert (rows.rows, rows.columns) == SHAPE
    next_row, most = 0, 0
    for block in rows.blocks():
        assert block.first_row == next_row
        part = scipy.sparse.csr_array((block.values, block.dimensions, block.begins), (len(block), SHAPE[1]))
        assert (part != matrix[next_row : next_row + len(block)]).nnz == 0
        next_row, most = next_row + len(block), max(most, len(block.values))
    assert next_row == SHAPE[0]
    assert 2500 < most <= 3000


def test_a_row_is_its_dimensions_and_values(tmp_path, matrix):
    (first, *_) = opened(write(tmp_path / "a.hdf5", **csr(matrix, shape=None))).blocks()
    dimensions, values = first.row(17)
    assert dimensions.tolist() == matrix[[17]].indices.tolist()
    assert values.tolist() == matrix[[17]].data.tolist()
    assert [part.size for part in first.row(20)] == [0, 0]


@pytest.mark.parametrize("limit", [1, 4096, 4097, 10**6])
def test_a_limit_takes_the_first_rows(tmp_path, matrix, limit):
    rows = opened(write(tmp_path / "a.hdf5", **csr(matrix)))
    assert sum(len(block) for block in rows.blocks(limit)) == min(limit, SHAPE[0])


def small(**changed):
    return {
        "indptr": np.array([0, 2, 2, 3]),
        "indices": np.array([5, 1, 4]),
        "data": np.array([1, 2, 3], "f4"),
        **changed,
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"indptr": np.array([0, 2, 2, 3], "u8"), "indices": np.array([5, 1, 4], "u2")},
        {"data": np.array([1, 2, 3], "f2")},
        {"data": np.array([1, 2, 3], "f8")},
        {"data": np.array([1, 2, 3], "u1")},
    ],
    ids=str,
)
def test_types_that_hold_the_same_numbers_read_alike(tmp_path, changed):
    (block,) = opened(write(tmp_path / "a.hdf5", **small(**changed))).blocks()
    assert block.dimensions.tolist() == [5, 1, 4]
    assert (block.values.dtype, block.values.tolist()) == (np.float32, [1, 2, 3])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"indptr": np.array([0, 3, 2, 3])}, "goes down after position 1"),
        ({"indptr": np.array([1, 2, 2, 3])}, "begins with 1"),
        ({"indptr": np.array([0, 2, 2, 2])}, "ends with 2, and there are 3 values"),
        ({"indptr": np.array([0, 2, 9, 9])}, "has 9 at position 2, and there are 3 values"),
        ({"indptr": np.array([0, -2, 2, 3])}, "has -2 at position 1"),
        ({"indptr": np.array([0, 2**64 - 1, 2, 3], "u8")}, "has 18446744073709551615 at position 1"),
        ({"indptr": np.array([], "i8")}, "`indptr` is empty"),
        ({"indptr": np.array([0, 2, 2, 3], "f4")}, "train/indptr.*integers"),
        ({"indptr": np.zeros((2, 2), "i8")}, "train/indptr.*one dimension"),
        ({"indices": np.array([5, -1, 4])}, "has -1 in row 0"),
        ({"indices": np.array([5, 1, 2**63], "u8")}, "has 9223372036854775808 in row 2"),
        ({"shape": np.array([3, 5])}, "has 5 in row 0, beyond 0 to 4"),
        ({"shape": np.array([4, 6])}, "`shape` says 4 rows, and `indptr` has 3"),
        ({"shape": np.array([3])}, "train/shape.*rows and columns"),
        ({"data": np.array([1, 2], "f4")}, "train/data"),
        ({"data": np.array([1, 2, np.nan], "f4")}, "train/data.*row 2"),
        ({"data": np.array([1, 2, 1e39])}, "train/data.*row 2"),
        ({"data": np.array([b"1", b"2", b"3"])}, "train/data"),
    ],
)  # fmt: skip
def test_what_is_no_matrix_in_compressed_sparse_rows_is_refused(tmp_path, changed, said):
    with pytest.raises(InvalidInput, match=said):
        list(opened(write(tmp_path / "a.hdf5", **small(**changed))).blocks())


def test_a_fault_in_a_later_block_is_named_by_its_row(tmp_path, matrix):
    data = matrix.data.copy()
    data[matrix.indptr[8123]] = np.inf
    with pytest.raises(InvalidInput, match="row 8123"):
        list(opened(write(tmp_path / "a.hdf5", **csr(matrix, data=data))).blocks())


def test_a_row_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sparse, "BLOCK_VALUES", 1)
    with pytest.raises(InvalidInput, match="Row 0 of `train`"):
        list(opened(write(tmp_path / "a.hdf5", **small())).blocks())


def test_a_group_without_its_datasets_says_which_is_missing(tmp_path):
    file = write(tmp_path / "a.hdf5", indptr=np.array([0, 1]))
    with pytest.raises(DatasetMissing, match="train/indices"):
        opened(file)
    with pytest.raises(NotADataset, match="train/indptr/indptr"):
        opened(file, "train/indptr")
