"""The queries that come with a file of vectors: dense ones, sparse ones, or both row by row, which make hybrid queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.errors import LimitBelowOne, TooLargeForMemory, WrongDimensions, WrongRowCount
from tasks.vertex.data.formats.errors import NotAVector
from tasks.vertex.data.matrices import Matrix
from tasks.vertex.data.sparse import BYTES_PER_VALUE, SparseBlock, SparseSource, joined

QUERY_BYTES = 64 * 2**20
"""Most bytes of queries in memory: 160,000 of 100 dimensions, or five million values of sparse ones."""


class Queries:
    """Queries, at least dense or sparse ones.

    Args:
        dense: (queries, dimensions), which may be empty; None for none.
        sparse: one row for each query; None for none.
        most_rows: rows that may be read together.
        dimensions: of the vectors that are asked for; 0 if there are no dense ones.
        expected_by: what has these dimensions, for errors.

    Raises:
        WrongDimensions: the dense ones have another number of dimensions.
        WrongRowCount: there are dense and sparse ones, and not as many of both.
    """

    def __init__(
        self, dense: Matrix | None, sparse: SparseSource | None, *, most_rows: int, dimensions: int, expected_by: str
    ) -> None:  # fmt: skip
        self._dense, self._sparse, self._most_rows = dense, sparse, most_rows
        self._dimensions = dimensions
        self.dense_rows: int = dense.rows if dense is not None else 0
        self.sparse_rows: int = sparse.rows if sparse is not None else 0
        if dense is not None and dense.rows and dense.dimensions != dimensions:
            raise WrongDimensions(
                dense.path, dataset=dense.name, dimensions=dense.dimensions, expected=dimensions, expected_by=expected_by
            )  # fmt: skip
        if (
            dense is not None
            and sparse is not None
            and self.dense_rows
            and self.sparse_rows != self.dense_rows
        ):
            raise WrongRowCount(
                sparse.path, dataset=sparse.name, rows=self.sparse_rows, expected=self.dense_rows, of="dense query vector"
            )  # fmt: skip

    @property
    def rows(self) -> int:
        """How many queries there are."""
        return max(self.dense_rows, self.sparse_rows)

    def check(self) -> None:
        """Read every query, block by block.

        Raises:
            InvalidInput: for the first block that has a fault.
        """
        if self._dense is not None:
            for start, stop in self._dense.slices(self.dense_rows, self._most_rows):
                self._read(self._dense, start, stop)
        if self._sparse is not None:
            for _ in self._sparse.blocks():
                pass

    def dense(self, limit: int | None = None, *, start: int = 0) -> NDArray[np.float32]:
        """The first ``limit`` dense queries, or all, from the row ``start``: (queries, dimensions) float32.

        Raises:
            NotFinite, OverflowsFloat32, UnreadableRows, LimitBelowOne; TooLargeForMemory: more than 64 MiB.
        """
        stop = _stop(self.dense_rows, limit, start)
        if self._dense is None or stop <= start:
            return np.empty((0, self._dimensions), np.float32)
        size = (stop - start) * self._dense.row_bytes
        if size > QUERY_BYTES:
            what = f"The queries in `{self._dense.name}`"
            raise TooLargeForMemory(self._dense.path, what=what, size=size, most=QUERY_BYTES)
        return self._read(self._dense, start, stop)

    def _read(self, dense: Matrix, start: int, stop: int) -> NDArray[np.float32]:
        found = dense.checked(start, stop)
        if found.present is not None and not found.present.all():
            row = start + int(np.flatnonzero(~found.present)[0])
            raise NotAVector(
                dense.path, dataset=dense.name, row=row, found="no value, and other queries have one", dimensions=dense.dimensions
            )  # fmt: skip
        return found.vectors

    def sparse(self, limit: int | None = None, *, start: int = 0) -> SparseBlock:
        """The first ``limit`` sparse queries, or all, from the row ``start``.

        Raises:
            NotCsr, NotFinite, OverflowsFloat32, UnreadableRows, LimitBelowOne; TooLargeForMemory: more than 64 MiB.
        """
        stop, blocks, size = _stop(self.sparse_rows, limit, start), list[SparseBlock](), 0
        while self._sparse is not None and start < stop:
            to = self._sparse.cut(start, min(start + self._most_rows, stop))
            blocks.append(self._sparse.read(start, to))
            size += len(blocks[-1].values) * BYTES_PER_VALUE
            if size > QUERY_BYTES:
                what = f"The queries in `{self._sparse.name}`"
                raise TooLargeForMemory(self._sparse.path, what=what, size=size, most=QUERY_BYTES)
            start = to
        return joined(blocks)


def _stop(rows: int, limit: int | None, start: int) -> int:
    if limit is not None and limit < 1:
        raise LimitBelowOne(limit)
    return rows if limit is None else min(start + limit, rows)
