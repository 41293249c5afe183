"""Files that are one array: NumPy's .npy, the .fvecs and .bvecs of INRIA's data sets, and the sparse .csr of big-ann-benchmarks.

All are mapped into memory and never unpickled. They name nothing, so ids lie in a file beside: another .npy, or one id a
line. Dense and sparse rows may lie beside each other in the same way.

.fvecs and .bvecs (http://corpus-texmex.irisa.fr) are known by their suffix only, having no magic number: each row is its
number of dimensions, a little-endian int32, and then that many float32 or uint8. So is .csr (big-ann-benchmarks,
`dataset_preparation/sparse_dataset.md`), little-endian: int64 rows, columns and values; (rows + 1) int64 `indptr`; int32 `indices`;
float32 `data`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.lines import check_file
from tasks.vertex.data.errors import DatasetMissing
from tasks.vertex.data.formats.errors import NotAVector, Pickled, WholeFileUnreadable
from tasks.vertex.data.formats.line_columns import IdLines
from tasks.vertex.data.formats.stored import DenseOnly, Names, Stored, reason
from tasks.vertex.data.sparse import SparseRows, SparseSource

ARRAY = "array"
"""What options and errors call the array of such a file."""
NPY = b"\x93NUMPY"
VECS: dict[str, str] = {".fvecs": "<f4", ".bvecs": "u1"}
CSR = ".csr"
SUFFIXES = frozenset({*VECS, CSR})
"""Files that are known by their name."""


class ArrayColumn:
    """An array, mapped or in memory."""

    def __init__(self, name: str, array: NDArray[Any]) -> None:
        self.name, self.chunk_rows = name, 1
        self._array = array
        self.shape: tuple[int, ...] | None = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.is_text = array.dtype.kind in "SU"

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded), copied out of the map."""
        return np.array(self._array[start:stop])

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The strings of the rows start to stop (excluded)."""
        values = self._array[start:stop].tolist()
        return [
            value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in values
        ]


class VecsColumn(ArrayColumn):
    """The rows of an .fvecs or .bvecs file, each with its length in front."""

    def __init__(self, file: str, array: NDArray[Any]) -> None:
        super().__init__(ARRAY, array["vector"])
        self._file, self._lengths = file, array["length"]

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded).

        Raises:
            NotAVector: a row says that it has another length than the first.
        """
        lengths = np.array(self._lengths[start:stop])
        dimensions = int(self._array.shape[1])
        others = np.flatnonzero(lengths != dimensions)
        if others.size:
            raise NotAVector(
                self._file, dataset=ARRAY, row=start + int(others[0]), found=f"{int(lengths[others[0]])} numbers",
                dimensions=dimensions,
            )  # fmt: skip
        return super().rows(start, stop)


class ArrayFile(DenseOnly):
    """A file that holds one array, dense or sparse.

    Raises:
        Pickled: it would have to be unpickled.
        WholeFileUnreadable: damaged or cut short.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.kind = path.suffix if path.suffix in SUFFIXES else "NumPy"
        self.defaults = Names(sparse=ARRAY) if path.suffix == CSR else Names(vectors=ARRAY)
        if path.suffix == CSR:
            self._parts = {f"{ARRAY}/{part}": column for part, column in _csr(path, name).items()}
        elif path.suffix in VECS:
            self._parts = {ARRAY: _vecs(path, name, VECS[path.suffix])}
        else:
            self._parts = {ARRAY: _numpy(path, name, ARRAY)}

    def close(self) -> None:
        """Nothing is open; a map goes with the object."""

    def has(self, name: str) -> bool:
        """Whether it is the array, or a file beside."""
        return name in self._parts or _is_file(name)

    def names(self) -> list[str]:
        """The array."""
        return [ARRAY]

    def dataset(self, name: str) -> Stored:
        """The array, or the values of a file beside.

        Raises:
            DatasetMissing: there is no such file.
        """
        if name in self._parts:
            return self._parts[name]
        if not _is_file(name):
            raise DatasetMissing(
                self.name, dataset=name, present=[ARRAY, "and, by their paths, files beside it"]
            )
        path = Path(name)
        with path.open("rb") as file:
            is_numpy = file.read(len(NPY)) == NPY
        return _numpy(path, name, name) if is_numpy else IdLines(path)

    def has_sparse(self, name: str) -> bool:
        """Whether it is the array, and that is sparse."""
        return name == ARRAY == self.defaults.sparse

    def sparse(self, name: str) -> SparseSource:
        """The array, or that of a file beside.

        Raises:
            NoSparse: it is not sparse, and there is no sparse file of that name.
        """
        if self.has_sparse(name):
            return SparseRows(self, ARRAY)
        if Path(name).suffix == CSR and _is_file(name):
            return ArrayFile(Path(name), name).sparse(ARRAY)
        return super().sparse(name)


def _is_file(name: str) -> bool:
    try:
        check_file(Path(name))
    except InvalidInput:
        return False
    return True


def _numpy(path: Path, name: str, called: str) -> ArrayColumn:
    try:
        shape, dtype = _header(path)
    except (
        Exception
    ) as error:  # numpy evaluates the header as a Python literal, and shows its own objects in errors
        raise WholeFileUnreadable(name, kind="NumPy", reason="its header cannot be read") from error
    try:
        if not dtype.hasobject:
            is_empty = 0 in shape  # and cannot be mapped
            array = np.empty(shape, dtype) if is_empty else np.load(path, mmap_mode="r", allow_pickle=False)
            return ArrayColumn(called, array)
    except Exception as error:  # a header may claim any shape, beyond 64 bits too
        raise WholeFileUnreadable(name, kind="NumPy", reason=reason(error)) from error
    raise Pickled(name)


def _header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    return shape, dtype


def _csr(path: Path, name: str) -> dict[str, ArrayColumn]:
    """`indptr`, `indices`, `data` and `shape`."""
    head, size = np.fromfile(path, "<i8", count=3), path.stat().st_size
    rows, columns, values = (int(number) for number in (*head, 0, 0, 0)[:3])
    begin = 24 + 8 * (rows + 1)
    if min(rows, columns, values) < 0 or head.size < 3 or size != begin + 8 * values:
        said = f"{size:,} bytes are not those of {rows:,} rows with {values:,} values"
        raise WholeFileUnreadable(name, kind=CSR, reason=said)
    parts = {"shape": np.array([rows, columns])}
    for part, kind, offset, count in (
        ("indptr", "<i8", 24, rows + 1), ("indices", "<i4", begin, values), ("data", "<f4", begin + 4 * values, values),
    ):  # fmt: skip
        parts[part] = np.memmap(path, kind, "r", offset, (count,)) if count else np.empty(0, kind)
    return {part: ArrayColumn(f"{ARRAY}/{part}", array) for part, array in parts.items()}


def _vecs(path: Path, name: str, number: str) -> ArrayColumn:
    raw = np.fromfile(path, "<i4", count=1)
    dimensions = int(raw[0]) if raw.size else 0
    size, row = path.stat().st_size, 4 + dimensions * np.dtype(number).itemsize
    if dimensions < 1 or size % row:
        said = f"{size:,} bytes are no whole number of rows of {dimensions:,} dimensions"
        raise WholeFileUnreadable(name, kind=path.suffix, reason=said)
    fields = np.dtype([("length", "<i4"), ("vector", number, (dimensions,))])
    return VecsColumn(name, np.memmap(path, fields, mode="r"))
