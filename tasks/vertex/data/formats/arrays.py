"""Files that are one array: NumPy's .npy, and the .fvecs and .bvecs of the nearest-neighbor data sets of INRIA.

Both are mapped into memory and never unpickled. They name nothing, so ids lie in a file beside: another .npy, or one id a
line. .fvecs and .bvecs (http://corpus-texmex.irisa.fr) are known by their suffix only, having no magic number: each row is
its number of dimensions, a little-endian int32, and then that many float32 or uint8.
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

ARRAY = "array"
"""What options and errors call the array of such a file."""
NPY = b"\x93NUMPY"
VECS: dict[str, str] = {".fvecs": "<f4", ".bvecs": "u1"}


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
    """A file that holds one array.

    Raises:
        Pickled: it would have to be unpickled.
        WholeFileUnreadable: damaged or cut short.
    """

    defaults = Names(vectors=ARRAY)

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.kind = "NumPy" if path.suffix not in VECS else path.suffix
        self._column = (
            _numpy(path, name, ARRAY) if path.suffix not in VECS else _vecs(path, name, VECS[path.suffix])
        )

    def close(self) -> None:
        """Nothing is open; a map goes with the object."""

    def has(self, name: str) -> bool:
        """Whether it is the array, or a file beside."""
        return name == ARRAY or _is_file(name)

    def names(self) -> list[str]:
        """The array."""
        return [ARRAY]

    def dataset(self, name: str) -> Stored:
        """The array, or the values of a file beside.

        Raises:
            DatasetMissing: there is no such file.
        """
        if name == ARRAY:
            return self._column
        if not _is_file(name):
            raise DatasetMissing(
                self.name, dataset=name, present=[ARRAY, "and, by their paths, files beside it"]
            )
        path = Path(name)
        with path.open("rb") as file:
            is_numpy = file.read(len(NPY)) == NPY
        return _numpy(path, name, name) if is_numpy else IdLines(path)


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


def _vecs(path: Path, name: str, number: str) -> ArrayColumn:
    raw = np.fromfile(path, "<i4", count=1)
    dimensions = int(raw[0]) if raw.size else 0
    size, row = path.stat().st_size, 4 + dimensions * np.dtype(number).itemsize
    if dimensions < 1 or size % row:
        said = f"{size:,} bytes are no whole number of rows of {dimensions:,} dimensions"
        raise WholeFileUnreadable(name, kind=path.suffix, reason=said)
    fields = np.dtype([("length", "<i4"), ("vector", number, (dimensions,))])
    return VecsColumn(name, np.memmap(path, fields, mode="r"))
