"""Sparse rows as people have them: a matrix in compressed sparse rows (CSR), a group of an HDF5 file, read in blocks.

Layout, that of scipy.sparse.csr_matrix and of what writes it into HDF5: ``indptr`` (rows + 1,) says where each row begins in
``indices`` (values,), which are the dimensions, and in ``data`` (values,); ``shape`` (2,) may say rows and columns. The order within
a row does not matter, and a repeated dimension counts with the sum of its values, as in an import file. A row may have no values.

Never read whole: a block has at most 4,096 rows and 1,048,576 values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.vertex.data.errors import (
    SHOWN_ROWS,
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
BYTES_PER_VALUE = 12
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


class DatasetFile(Protocol):
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

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(rows,): how many values each row has."""
        return np.diff(self.begins)

    def row(self, position: int) -> tuple[Dimensions, Values]:
        """Dimensions and values of one row of the block; both empty if it has none."""
        part = slice(self.begins[position], self.begins[position + 1])
        return self.dimensions[part], self.values[part]


class SparseSource(Protocol):
    """Sparse rows of a file, whatever its format."""

    @property
    def name(self) -> str:
        """As the file calls them."""
        ...

    @property
    def path(self) -> str:
        """How errors call the file."""
        ...

    @property
    def rows(self) -> int:
        """The number of rows; some may have no values."""
        ...

    def values_in(self, rows: int) -> int:
        """How many values the first rows have, at least roughly."""
        ...

    def cut(self, start: int, stop: int) -> int:
        """Up to which row (excluded), at most ``stop``, the rows from ``start`` can be read together."""
        ...

    def read(self, start: int, stop: int) -> SparseBlock:
        """The rows start to stop (excluded).

        Raises:
            InvalidInput: the file is damaged there, or a value is not finite.
        """
        ...

    def blocks(self, limit: int | None = None) -> Iterator[SparseBlock]:
        """The rows in their order, or the first ``limit``."""
        ...


class SparseRows:
    """The rows of one group.

    Args:
        file: an open file, which must stay open.
        group: the name of the group.

    Raises:
        InvalidInput: what the file finds wrong with a dataset; WrongShape, WrongType, WrongRowCount, NotCsr.
    """

    def __init__(self, file: DatasetFile, group: str) -> None:
        self.path, self.name = file.name, group
        self._indptr = self._column(file, "indptr", "iu", "integers")
        self._indices = self._column(file, "indices", "iu", "integers")
        self._data = self._column(file, "data", "fiu", "float16, float32, float64 or integers")
        self._count, found = _length(self._indices), _length(self._data)
        if found != self._count:
            raise WrongRowCount(
                self.path, dataset=f"{group}/data", rows=found, expected=self._count, of="dimension"
            )
        if not _length(self._indptr):
            raise self._not_csr("`indptr` is empty")
        self.rows: int = _length(self._indptr) - 1
        self.columns: int | None = self._shape(file)
        """One more than the highest dimension that may occur, or None: any int64."""

    def values_in(self, rows: int) -> int:
        """See SparseSource."""
        return int(self._indptr.rows(rows, rows + 1)[0])

    def cut(self, start: int, stop: int) -> int:
        """See SparseSource.

        Raises:
            TooLargeForMemory: the first row alone is too long.
        """
        begins = self._begins(start, stop)
        fits = int(np.searchsorted(begins, begins[0] + BLOCK_VALUES, side="right")) - 1
        if fits < 1:
            size, most = int(begins[1] - begins[0]) * BYTES_PER_VALUE, BLOCK_VALUES * BYTES_PER_VALUE
            raise TooLargeForMemory(self.path, what=f"Row {start} of `{self.name}`", size=size, most=most)
        return min(start + fits, stop)

    def blocks(self, limit: int | None = None) -> Iterator[SparseBlock]:
        """See SparseSource.

        Raises:
            UnreadableRows, TooLargeForMemory, NotCsr, NotFinite, OverflowsFloat32: at the block that has the fault.
        """
        start, rows = 0, self.rows if limit is None else min(limit, self.rows)
        while start < rows:
            stop = self.cut(start, min(start + BLOCK_ROWS, rows))
            yield self.read(start, stop)
            start = stop

    def _begins(self, start: int, stop: int) -> NDArray[np.int64]:
        """Where the rows start to stop begin in the datasets, and where the last of them ends."""
        stored = self._indptr.rows(start, stop + 1)
        outside = np.flatnonzero((stored < 0) | (stored > self._count))
        if outside.size:
            row = start + int(outside[0])
            raise self._not_csr(
                f"`indptr` has {stored[outside[0]]} at position {row}, and there are {self._count:,} values"
            )
        begins = stored.astype(np.int64)
        if start == 0 and begins[0] != 0:
            raise self._not_csr(f"`indptr` begins with {begins[0]:,}")
        down = np.flatnonzero(np.diff(begins) < 0)
        if down.size:
            raise self._not_csr(f"`indptr` goes down after position {start + int(down[0])}")
        if stop == self.rows and begins[-1] != self._count:
            raise self._not_csr(f"`indptr` ends with {begins[-1]:,}, and there are {self._count:,} values")
        return begins

    def read(self, start: int, stop: int) -> SparseBlock:
        """See SparseSource.

        Raises:
            UnreadableRows, NotCsr, NotFinite, OverflowsFloat32.
        """
        begins = self._begins(start, stop)
        first, last = int(begins[0]), int(begins[-1])
        if first == last:
            return SparseBlock(start, begins - first, np.empty(0, np.int64), np.empty(0, np.float32))
        dimensions, raw = self._indices.rows(first, last), self._data.rows(first, last)
        most = _INT64_MAX if self.columns is None else self.columns - 1
        outside = np.flatnonzero((dimensions < 0) | (dimensions > most))
        if outside.size:
            row = _rows_of(begins, start, first + outside[:1])[0]
            raise self._not_csr(f"`indices` has {dimensions[outside[0]]} in row {row}, beyond 0 to {most}")
        with np.errstate(over="ignore"):
            values = raw.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            error = OverflowsFloat32 if np.isfinite(raw[bad]).all() else NotFinite
            rows = np.unique(_rows_of(begins, start, first + bad))
            raise error(self.path, dataset=f"{self.name}/data", rows=rows[:SHOWN_ROWS].tolist(), total=rows.size)  # fmt: skip
        return SparseBlock(start, begins - first, dimensions.astype(np.int64), values)

    def _column(self, file: DatasetFile, name: str, kinds: str, accepted: str) -> Stored:
        full = f"{self.name}/{name}"
        found = file.dataset(full)
        if found.shape is None or len(found.shape) != 1:
            raise WrongShape(self.path, dataset=full, shape=found.shape, accepted="one dimension, as in CSR")
        if found.dtype.kind not in kinds or found.dtype.itemsize > 8:
            raise WrongType(self.path, dataset=full, dtype=str(found.dtype), accepted=accepted)
        return found

    def _shape(self, file: DatasetFile) -> int | None:
        if not file.has(f"{self.name}/shape"):
            return None
        stored = self._column(file, "shape", "iu", "integers")
        if _length(stored) != 2:
            raise WrongShape(self.path, dataset=f"{self.name}/shape", shape=stored.shape, accepted="(2,): rows and columns")  # fmt: skip
        rows, columns = (int(number) for number in stored.rows(0, 2))
        if rows != self.rows:
            raise self._not_csr(f"`shape` says {rows:,} rows, and `indptr` has {self.rows:,}")
        return columns

    def _not_csr(self, problem: str) -> NotCsr:
        return NotCsr(self.path, group=self.name, problem=problem)


def _length(stored: Stored) -> int:
    (length,) = stored.shape or (0,)
    return length


def _rows_of(begins: NDArray[np.int64], first: int, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    """The rows that values at these positions of the datasets belong to."""
    return np.searchsorted(begins, positions, side="right") - 1 + first


def joined(blocks: Sequence[SparseBlock]) -> SparseBlock:
    """Blocks that follow each other as one; of none, a block without rows."""
    if not blocks:
        return SparseBlock(0, np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    lengths = np.concatenate([block.lengths for block in blocks])
    return SparseBlock(
        blocks[0].first_row,
        np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        np.concatenate([block.dimensions for block in blocks]),
        np.concatenate([block.values for block in blocks]),
    )
