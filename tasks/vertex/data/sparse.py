"""Sparse rows as people have them: a matrix in compressed sparse rows (CSR), a group of an HDF5 file, read in blocks.

Layout, that of scipy.sparse.csr_matrix and of what writes it into HDF5: ``indptr`` (rows + 1,) says where each row begins in
``indices`` (values,), which are the dimensions, and in ``data`` (values,); ``shape`` (2,) may say rows and columns. The order within
a row does not matter, and a repeated dimension counts with the sum of its values, as in an import file. A row may have no values.

Never read whole: a block has at most 4,096 rows and 1,048,576 values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.vertex.data.columns import SHOWN_ROWS
from tasks.vertex.data.errors import (
    NotFinite,
    OverflowsFloat32,
    TooLargeForMemory,
    WrongRowCount,
    WrongShape,
    WrongType,
)

BLOCK_ROWS = 4096
BLOCK_VALUES = 2**20
"""Most values of a block, and so of a row: 12 MiB as int64 and float32. No page has a limit on the values of a sparse vector."""
_BYTES_PER_VALUE = 12
_INT64_MAX = 2**63 - 1

Dimensions = NDArray[np.int64]
Values = NDArray[np.float32]


class Stored(Protocol):
    """A dataset of one dimension."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """As stored."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored."""
        ...

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The values start to stop (excluded)."""
        ...


class Source(Protocol):
    """A file of named datasets, such as an Hdf5File; a name with slashes leads through groups."""

    name: str

    def dataset(self, name: str) -> Stored:
        """A dataset that was checked to be complete."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a name."""
        ...


class NotCsr(InvalidInput):
    """The three datasets are no matrix in compressed sparse rows."""

    def __init__(self, path: str, *, group: str, problem: str) -> None:
        self.path, self.group = path, group
        super().__init__(
            f"`{group}` holds no sparse rows: {problem}",
            value=path,
            accepted="`indptr` from 0 up to the number of values and never down, `indices` from 0 up to below the second number of "
            "`shape`, and as many `data`",
            remedy="Write the indptr, indices and data of a scipy.sparse.csr_matrix.",
        )


@dataclass(frozen=True)
class SparseBlock:
    """Neighboring rows."""

    first_row: int
    begins: NDArray[np.int64]
    """(rows + 1,): where each row begins in this block's values, and where the last one ends."""
    dimensions: Dimensions
    values: Values
    """Finite."""

    def __len__(self) -> int:
        return len(self.begins) - 1

    def row(self, position: int) -> tuple[Dimensions, Values]:
        """Dimensions and values of one row of the block; both empty if it has none."""
        part = slice(self.begins[position], self.begins[position + 1])
        return self.dimensions[part], self.values[part]


class SparseRows:
    """The rows of one group.

    Args:
        file: an open file, which must stay open.
        group: the name of the group.

    Raises:
        InvalidInput: what the file finds wrong with a dataset; WrongShape, WrongType, WrongRowCount, NotCsr.
    """

    def __init__(self, file: Source, group: str) -> None:
        self._path, self.group = file.name, group
        self._indptr = self._column(file, "indptr", "iu", "integers")
        self._indices = self._column(file, "indices", "iu", "integers")
        self._data = self._column(file, "data", "fiu", "float16, float32, float64 or integers")
        self._count, found = _length(self._indices), _length(self._data)
        if found != self._count:
            raise WrongRowCount(self._path, dataset=f"{group}/data", rows=found, expected=self._count)
        if not _length(self._indptr):
            raise self._not_csr("`indptr` is empty")
        self.rows: int = _length(self._indptr) - 1
        self.columns: int | None = self._shape(file)
        """One more than the highest dimension that may occur, or None: any int64."""

    def blocks(self, limit: int | None = None) -> Iterator[SparseBlock]:
        """The rows in their order, or the first ``limit``.

        Raises:
            UnreadableRows, TooLargeForMemory, NotCsr, NotFinite, OverflowsFloat32: at the block that has the fault.
        """
        rows = self.rows if limit is None else min(limit, self.rows)
        end = 0
        for start in range(0, rows, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, rows)
            begins = self._begins(start, stop, end)
            end = int(begins[-1])
            yield from self._cut(start, begins)
        if rows == self.rows and end != self._count:
            raise self._not_csr(f"`indptr` ends with {end:,}, and there are {self._count:,} values")

    def _begins(self, start: int, stop: int, end: int) -> NDArray[np.int64]:
        """Where the rows start to stop begin in the datasets; the first must begin where the one before ended."""
        stored = self._indptr.rows(start, stop + 1)
        outside = np.flatnonzero((stored < 0) | (stored > self._count))
        if outside.size:
            row = start + int(outside[0])
            raise self._not_csr(
                f"`indptr` has {stored[outside[0]]} at position {row}, and there are {self._count:,} values"
            )
        begins = stored.astype(np.int64)
        if begins[0] != end:
            raise self._not_csr(f"`indptr` begins with {begins[0]:,}")
        down = np.flatnonzero(np.diff(begins) < 0)
        if down.size:
            raise self._not_csr(f"`indptr` goes down after position {start + int(down[0])}")
        return begins

    def _cut(self, first: int, begins: NDArray[np.int64]) -> Iterator[SparseBlock]:
        at, rows = 0, len(begins) - 1
        while at < rows:
            fits = int(np.searchsorted(begins, begins[at] + BLOCK_VALUES, side="right")) - 1
            if fits <= at:
                size = int(begins[at + 1] - begins[at]) * _BYTES_PER_VALUE
                raise TooLargeForMemory(
                    self._path, what=f"Row {first + at} of `{self.group}`", size=size, most=BLOCK_VALUES * _BYTES_PER_VALUE
                )  # fmt: skip
            to = min(fits, rows)
            yield self._read(first + at, begins[at : to + 1])
            at = to

    def _read(self, first: int, begins: NDArray[np.int64]) -> SparseBlock:
        start, stop = int(begins[0]), int(begins[-1])
        if start == stop:
            return SparseBlock(first, begins - start, np.empty(0, np.int64), np.empty(0, np.float32))
        dimensions, raw = self._indices.rows(start, stop), self._data.rows(start, stop)
        most = _INT64_MAX if self.columns is None else self.columns - 1
        outside = np.flatnonzero((dimensions < 0) | (dimensions > most))
        if outside.size:
            row = _rows_of(begins, first, start + outside[:1])[0]
            raise self._not_csr(f"`indices` has {dimensions[outside[0]]} in row {row}, beyond 0 to {most}")
        with np.errstate(over="ignore"):
            values = raw.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            error = OverflowsFloat32 if np.isfinite(raw[bad]).all() else NotFinite
            rows = np.unique(_rows_of(begins, first, start + bad))
            raise error(self._path, dataset=f"{self.group}/data", rows=rows[:SHOWN_ROWS].tolist(), total=rows.size)  # fmt: skip
        return SparseBlock(first, begins - start, dimensions.astype(np.int64), values)

    def _column(self, file: Source, name: str, kinds: str, accepted: str) -> Stored:
        full = f"{self.group}/{name}"
        found = file.dataset(full)
        if found.shape is None or len(found.shape) != 1:
            raise WrongShape(self._path, dataset=full, shape=found.shape, accepted="one dimension, as in CSR")
        if found.dtype.kind not in kinds or found.dtype.itemsize > 8:
            raise WrongType(self._path, dataset=full, dtype=str(found.dtype), accepted=accepted)
        return found

    def _shape(self, file: Source) -> int | None:
        if not file.has(f"{self.group}/shape"):
            return None
        stored = self._column(file, "shape", "iu", "integers")
        if _length(stored) != 2:
            raise WrongShape(self._path, dataset=f"{self.group}/shape", shape=stored.shape, accepted="(2,): rows and columns")  # fmt: skip
        rows, columns = (int(number) for number in stored.rows(0, 2))
        if rows != self.rows:
            raise self._not_csr(f"`shape` says {rows:,} rows, and `indptr` has {self.rows:,}")
        return columns

    def _not_csr(self, problem: str) -> NotCsr:
        return NotCsr(self._path, group=self.group, problem=problem)


def _length(stored: Stored) -> int:
    (length,) = stored.shape or (0,)
    return length


def _rows_of(begins: NDArray[np.int64], first: int, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows that values at these positions of the datasets belong to."""
    return np.searchsorted(begins, positions, side="right") - 1 + first
