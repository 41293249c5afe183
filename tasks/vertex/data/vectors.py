"""Vectors as people have them: HDF5 in the layout of ann-benchmarks, read in whole blocks of rows.

Layout: ``train`` (rows, dimensions) is what goes into the index; optional are ``test`` (queries, dimensions), ``ids``
(rows,) of strings or integers, ``train_words`` and ``test_words`` (words to show instead of numbers) and any further
(rows,) dataset as a metadata column. The layout's own ``neighbors`` are never used: they hold for one distance
measure, which need not be the index's (tasks/measures/neighbors.py computes them).

It is never read row by row, which would decompress a chunk for every row, nor whole: it may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.columns import SHOWN_ROWS, Column, ColumnValues
from tasks.vertex.data.errors import (
    DataFileElsewhere,
    DataUnreadable,
    LimitBelowOne,
    NotFinite,
    OverflowsFloat32,
    TooLargeForMemory,
    WrongDimensions,
    WrongShape,
    WrongType,
)
from tasks.vertex.data.hdf5 import Hdf5File, StoredDataset

BLOCK_ROWS = 4096
"""Most rows per block: larger ones were measured to be no faster."""
BLOCK_BYTES = 8 * 2**20
"""Most bytes of float32 per block, so that long vectors do not make large blocks."""
LARGEST_BLOCK_ROWS = 16 * BLOCK_ROWS
LARGEST_BLOCK_BYTES = 32 * 2**20
"""Most of both for a block that holds whole chunks."""
QUERY_BYTES = 64 * 2**20
"""Most bytes of queries in memory: 160,000 of 100 dimensions."""

Fetch = Callable[[str, Path], Path]
"""``fetch(uri, folder)`` downloads gs://bucket/object into the folder and returns the file."""


@dataclass(frozen=True)
class Block:
    """Neighboring rows of ``train``."""

    first_row: int
    ids: list[str]
    vectors: NDArray[np.float32]
    """(len(ids), dimensions), C-contiguous, finite."""
    columns: Mapping[str, ColumnValues] = field(default_factory=dict[str, ColumnValues])


class VectorFile:
    """An open file. Use as a context manager, or through ``open_vectors``, which also downloads.

    Args:
        path: a local file.
        limit: only the first N rows of ``train``; None for all. A file with fewer rows is not an error.
        name: how errors call the file, if not by its path.
        allow_external: also read values that lie in other files, which may be any that this process can read.

    Raises:
        InvalidInput: what tasks/vertex/data/hdf5.py finds wrong with the file, with `train` or with `ids`; WrongShape,
            WrongType, WrongRowCount, LimitBelowOne.
    """

    def __init__(
        self, path: Path, *, limit: int | None = None, name: str = "", allow_external: bool = False
    ) -> None:
        if limit is not None and limit < 1:
            raise LimitBelowOne(limit)
        self.name = name or str(path)
        self._file = Hdf5File(path, self.name, allow_external=allow_external)
        try:
            self._train = self._matrix("train")
            all_rows, self.dimensions = _shape(self._train)
            self.rows: int = all_rows if limit is None else min(limit, all_rows)
            self._all_rows: int = all_rows
            self._ids = self._id_column() if self._file.has("ids") else None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; further reads fail."""
        self._file.close()

    @property
    def has_ids(self) -> bool:
        """Whether the file names its rows; otherwise a row's id is its number, from 0, as a decimal string."""
        return self._ids is not None

    @property
    def has_queries(self) -> bool:
        """Whether there is something named ``test``; what is no dataset is an error when it is read."""
        return self._file.has("test")

    def check_neighbors(self) -> None:
        """Refuse a file whose ``neighbors`` are there and no complete dataset of its own, although they are not used.

        Raises:
            NotADataset, ExternalData, NeverWritten, TooLargeForMemory, DataUnreadable.
        """
        if self._file.has("neighbors"):
            self._file.dataset("neighbors")

    def names(self) -> list[str]:
        """The first names of the file, for errors."""
        return self._file.names()

    def column(self, name: str) -> Column:
        """A dataset with one value per row of ``train``.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongRowCount.
        """
        return Column(self._file.dataset(name), path=self.name, rows=self._all_rows)

    def blocks(self, columns: Sequence[str] = ()) -> Iterator[Block]:
        """The rows in their order, each block aligned to the chunks of ``train`` if it has any.

        A block has at most 4,096 rows and 8 MiB of float32, or one chunk where the chunks are larger, up to 65,536 rows
        and 32 MiB.

        Raises:
            UnreadableRows, NotFinite, OverflowsFloat32, NotText, OutsideInt64: at the block that has the fault. The
                validation looks at the whole file and names every bad row.
        """
        opened = [self.column(name) for name in columns]
        for start, stop in self._slices(self._train, self.rows):
            vectors, bad, overflowing = self._read(self._train, start, stop)
            _refuse(self.name, "train", bad, overflowing)
            yield Block(
                first_row=start,
                ids=self.ids(start, stop),
                vectors=vectors,
                columns={column.name: column.values(start, stop) for column in opened},
            )

    def ids(self, start: int, stop: int) -> list[str]:
        """The ids of the rows start to stop (excluded)."""
        if self._ids is None:
            return [str(row) for row in range(start, stop)]
        return self._ids.texts(start, stop)

    def queries(self, limit: int | None = None, *, start: int = 0) -> NDArray[np.float32]:
        """The first ``limit`` rows of ``test``, or all, from the row ``start``: (queries, dimensions) float32.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongDimensions, NotFinite, OverflowsFloat32, UnreadableRows,
            LimitBelowOne; TooLargeForMemory: more than 64 MiB.
        """
        if limit is not None and limit < 1:
            raise LimitBelowOne(limit)
        test = self._queries()
        rows = _shape(test)[0]
        stop = rows if limit is None else min(start + limit, rows)
        size = max(0, stop - start) * self.dimensions * test.dtype.itemsize
        if size > QUERY_BYTES:
            raise TooLargeForMemory(self.name, what="The queries in `test`", size=size, most=QUERY_BYTES)
        vectors, bad, overflowing = self._read(test, start, max(start, stop))
        _refuse(self.name, "test", bad, overflowing)
        return vectors

    @property
    def query_rows(self) -> int:
        """The number of rows of ``test``.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongDimensions.
        """
        return _shape(self._queries())[0]

    def check_queries(self) -> None:
        """Read every row of ``test``, block by block.

        Raises:
            InvalidInput: as ``queries``, for the first block that has a fault.
        """
        test = self._queries()
        for start, stop in self._slices(test, self.query_rows):
            _, bad, overflowing = self._read(test, start, stop)
            _refuse(self.name, "test", bad, overflowing)

    def _queries(self) -> StoredDataset:
        test = self._matrix("test")
        dimensions = _shape(test)[1]
        if dimensions != self.dimensions:
            raise WrongDimensions(
                self.name,
                dataset="test",
                dimensions=dimensions,
                expected=self.dimensions,
                expected_by="`train`",
            )
        return test

    def words(self, dataset: str, limit: int) -> list[str]:
        """The first words of a dataset such as ``train_words`` or ``test_words``; none if there is no such name."""
        if not self._file.has(dataset):
            return []
        stored = self._file.dataset(dataset)
        rows = self._all_rows if dataset == "train_words" else (stored.shape or (0,))[0]
        return Column(stored, path=self.name, rows=rows).texts(0, min(limit, rows))

    def scan(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]]:
        """For the validation: first row, vectors, and the numbers of rows that are not finite or overflow float32."""
        for start, stop in self._slices(self._train, self.rows):
            yield start, *self._read(self._train, start, stop)

    def _id_column(self) -> Column:
        column = self.column("ids")
        if not column.is_text and column.kind != "value_int":
            dtype = str(self._file.dataset("ids").dtype)
            raise WrongType(self.name, dataset="ids", dtype=dtype, accepted="strings or integers")
        return column

    def _matrix(self, name: str) -> StoredDataset:
        dataset = self._file.dataset(name)
        accepted = "(rows, dimensions) with at least one of each"
        if dataset.shape is None or len(dataset.shape) != 2 or 0 in dataset.shape:
            raise WrongShape(self.name, dataset=name, shape=dataset.shape, accepted=accepted)
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8):
            raise WrongType(
                self.name, dataset=name, dtype=str(dataset.dtype), accepted="float32, float64 or float16"
            )
        return dataset

    def _slices(self, dataset: StoredDataset, rows: int) -> Iterator[tuple[int, int]]:
        dimensions = _shape(dataset)[1]
        wanted = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * dimensions)))
        most = max(1, min(LARGEST_BLOCK_ROWS, LARGEST_BLOCK_BYTES // (dataset.dtype.itemsize * dimensions)))
        chunk = dataset.chunks[0] if dataset.chunks else 1
        step = min(max(1, wanted // chunk) * chunk, most)
        for start in range(0, rows, step):
            yield start, min(start + step, rows)

    def _read(
        self, dataset: StoredDataset, start: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
        """Float32 rows, the numbers of those that are not finite, and of those that overflow float32."""
        raw = dataset.rows(start, stop)
        with np.errstate(over="ignore"):
            vectors = np.ascontiguousarray(raw, dtype=np.float32)
        unusable = ~np.isfinite(vectors).all(axis=1)
        bad = ~np.isfinite(raw[unusable]).all(axis=1)
        rows = np.flatnonzero(unusable) + start
        return vectors, rows[bad], rows[~bad]


def _refuse(path: str, dataset: str, bad: NDArray[np.intp], overflowing: NDArray[np.intp]) -> None:
    for error, rows in ((NotFinite, bad), (OverflowsFloat32, overflowing)):
        if rows.size:
            raise error(path, dataset=dataset, rows=rows[:SHOWN_ROWS].tolist(), total=rows.size)


def _shape(matrix: StoredDataset) -> tuple[int, int]:
    rows, dimensions = matrix.shape or (0, 0)
    return rows, dimensions


@contextmanager
def open_vectors(
    source: str,
    *,
    limit: int | None = None,
    fetch: Fetch | None = None,
    folder: Path | None = None,
    allow_external: bool = False,
) -> Generator[VectorFile]:
    """Open a local file, or a gs:// object that ``fetch`` downloads into ``folder`` first.

    Raises:
        DataFileElsewhere: a gs:// address without fetch and folder.
        Exception: as ``VectorFile``, and whatever ``fetch`` raises.
    """
    if source.startswith("gs://"):
        if fetch is None or folder is None:
            raise DataFileElsewhere(source)
        path = fetch(source, folder)
    else:
        path = _local(source)
    with VectorFile(path, limit=limit, name=source, allow_external=allow_external) as file:
        yield file


def _local(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError as error:  # ~name of a user that does not exist
        raise DataUnreadable(source, what="the data file", reason=str(error)) from error
