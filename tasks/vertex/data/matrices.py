"""The vectors of one dataset as float32, checked and converted alike whatever they are stored as, read in whole blocks of rows.

Never row by row, which would decompress a chunk for every row, nor whole: a dataset may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.errors import SHOWN_ROWS, NotFinite, OverflowsFloat32, WrongShape, WrongType
from tasks.vertex.data.formats.stored import Stored

BLOCK_ROWS = 4096
"""Most rows per block: larger ones were measured to be no faster."""
BLOCK_BYTES = 8 * 2**20
"""Most bytes of float32 per block, so that long vectors do not make large blocks."""
LARGEST_BLOCK_ROWS = 16 * BLOCK_ROWS
LARGEST_BLOCK_BYTES = 32 * 2**20
"""Most of both for a block that holds whole chunks."""


@dataclass(frozen=True)
class DenseRows:
    """Neighboring rows."""

    vectors: NDArray[np.float32]
    """(rows, dimensions), C-contiguous; zeros in a row without a vector."""
    present: NDArray[np.bool_] | None
    """(rows,): which rows have a vector; None: all of them."""
    not_finite: NDArray[np.intp]
    """The numbers of rows with NaN or infinity."""
    overflowing: NDArray[np.intp]
    """The numbers of rows with a float64 that no float32 can hold."""


class Matrix:
    """A dataset of shape (rows, dimensions).

    Raises:
        WrongShape: it has another shape, or no rows although it may not be empty.
        WrongType: its values are of a type that no vector has.
    """

    def __init__(self, stored: Stored, path: str, *, may_be_empty: bool = False) -> None:
        self._stored, self.name, self.path = stored, stored.name, path
        self.is_empty: bool = may_be_empty and bool(stored.shape) and stored.shape[0] == 0
        if not self.is_empty:
            _check(stored, path)
        self.rows, self.dimensions = (*(stored.shape or ()), 0, 0)[:2]

    @property
    def converted_from(self) -> str | None:
        """The type that the vectors are stored in, unless it is float32."""
        return None if self._stored.dtype == np.float32 else str(self._stored.dtype)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row as it is stored."""
        return self.dimensions * self._stored.dtype.itemsize

    @property
    def step(self) -> int:
        """Rows per block: up to 4,096 and 8 MiB of float32, or one chunk where those are larger, up to 65,536 rows and 32 MiB."""
        dimensions, chunk = max(1, self.dimensions), self._stored.chunk_rows
        wanted = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * dimensions)))
        most = max(1, min(LARGEST_BLOCK_ROWS, LARGEST_BLOCK_BYTES // max(1, self.row_bytes)))
        return min(max(1, wanted // chunk) * chunk, most)

    def slices(self, rows: int, most: int) -> Iterator[tuple[int, int]]:
        """First and last row (excluded) of each block of the first ``rows``, none of more than ``most``."""
        step = min(self.step, most)
        for start in range(0, rows, step):
            yield start, min(start + step, rows)

    def read(self, start: int, stop: int) -> DenseRows:
        """The rows start to stop (excluded), with what is wrong with them."""
        raw = self._stored.rows(start, stop)
        present: NDArray[np.bool_] | None = None
        if np.ma.isMaskedArray(raw):
            missing: NDArray[np.bool_] = np.ma.getmaskarray(raw)
            present, raw = ~missing[:, 0], np.ma.filled(raw, 0)
        with np.errstate(over="ignore"):
            vectors = np.ascontiguousarray(raw, dtype=np.float32)
        unusable = ~np.isfinite(vectors).all(axis=1)
        bad = ~np.isfinite(raw[unusable]).all(axis=1)
        rows = np.flatnonzero(unusable) + start
        return DenseRows(vectors, present, rows[bad], rows[~bad])

    def checked(self, start: int, stop: int) -> DenseRows:
        """The rows start to stop (excluded), which are finite.

        Raises:
            NotFinite, OverflowsFloat32, UnreadableRows.
        """
        found = self.read(start, stop)
        for error, rows in ((NotFinite, found.not_finite), (OverflowsFloat32, found.overflowing)):
            if rows.size:
                raise error(self.path, dataset=self.name, rows=rows[:SHOWN_ROWS].tolist(), total=rows.size)
        return found


def _check(stored: Stored, path: str) -> None:
    shape, kind, size = stored.shape, stored.dtype.kind, stored.dtype.itemsize
    if shape is None or len(shape) != 2 or 0 in shape:
        accepted = "(rows, dimensions) with at least one of each"
        raise WrongShape(path, dataset=stored.name, shape=shape, accepted=accepted)
    if not (kind == "f" and size in (2, 4, 8)) and not (kind in "iu" and size == 1):
        accepted = "float32, float64, float16, int8 or uint8"
        raise WrongType(path, dataset=stored.name, dtype=str(stored.dtype), accepted=accepted)
