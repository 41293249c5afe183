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
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.columns import Column, ColumnValues
from tasks.vertex.data.errors import (
    DataFileElsewhere,
    DataFileMissing,
    DatasetMissing,
    LimitBelowOne,
    NotFinite,
    NotHdf5,
    OverflowsFloat32,
    TruncatedFile,
    UnreadableRows,
    WrongDimensions,
    WrongShape,
    WrongType,
)

BLOCK_ROWS = 4096
"""Most rows per block: larger ones were measured to be no faster."""
BLOCK_BYTES = 8 * 2**20
"""Most bytes of float32 per block, so that long vectors do not make large blocks."""
SHOWN_ROWS = 10
"""How many bad rows an error names; it counts them all."""

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

    Raises:
        DataFileMissing, NotHdf5, TruncatedFile, DatasetMissing, WrongShape, WrongType, WrongRowCount, LimitBelowOne.
    """

    def __init__(self, path: Path, *, limit: int | None = None, name: str = "") -> None:
        if limit is not None and limit < 1:
            raise LimitBelowOne(limit)
        self.name = name or str(path)
        self._file: Any = _open(path, self.name)
        try:
            self._train = self._matrix("train")
            all_rows, self.dimensions = self._train.shape
            self.rows: int = all_rows if limit is None else min(limit, all_rows)
            self._all_rows: int = all_rows
            self._ids = self._id_column() if "ids" in self.datasets() else None
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
        """Whether there is a dataset ``test``."""
        return "test" in self.datasets()

    def datasets(self) -> list[str]:
        """The names of the datasets, sorted."""
        return sorted(name for name, item in self._file.items() if isinstance(item, h5py.Dataset))

    def column(self, name: str) -> Column:
        """A dataset with one value per row of ``train``.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongRowCount.
        """
        return Column(self._dataset(name), name=name, path=self.name, rows=self._all_rows)

    def blocks(self, columns: Sequence[str] = ()) -> Iterator[Block]:
        """The rows in their order, each block aligned to the chunks of ``train`` if it has any.

        A block has at most 4,096 rows and 8 MiB of float32, or one chunk where the chunks are larger.

        Raises:
            UnreadableRows, NotFinite, OverflowsFloat32, NotText, OutsideInt64: at the block that has the fault. The
                validation looks at the whole file and names every bad row.
        """
        opened = [self.column(name) for name in columns]
        for start, stop in self._slices(self._train, self.rows):
            vectors, bad, overflowing = self._read(self._train, "train", start, stop)
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

    def queries(self, limit: int | None = None) -> NDArray[np.float32]:
        """The first ``limit`` rows of ``test``, or all: (queries, dimensions) float32.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongDimensions, NotFinite, OverflowsFloat32, UnreadableRows,
            LimitBelowOne.
        """
        if limit is not None and limit < 1:
            raise LimitBelowOne(limit)
        test = self._matrix("test")
        if test.shape[1] != self.dimensions:
            raise WrongDimensions(
                self.name,
                dataset="test",
                dimensions=test.shape[1],
                expected=self.dimensions,
                expected_by="`train`",
            )
        rows = test.shape[0] if limit is None else min(limit, test.shape[0])
        vectors, bad, overflowing = self._read(test, "test", 0, rows)
        _refuse(self.name, "test", bad, overflowing)
        return vectors

    def words(self, dataset: str) -> list[str]:
        """A dataset of words, such as ``train_words`` (cut to the limit) or ``test_words``; empty if it is not there."""
        if dataset not in self.datasets():
            return []
        rows = self._all_rows if dataset == "train_words" else len(self._dataset(dataset))
        column = Column(self._dataset(dataset), name=dataset, path=self.name, rows=rows)
        return column.texts(0, self.rows if dataset == "train_words" else rows)

    def scan(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]]:
        """For the validation: first row, vectors, and the numbers of rows that are not finite or overflow float32."""
        for start, stop in self._slices(self._train, self.rows):
            yield start, *self._read(self._train, "train", start, stop)

    def _id_column(self) -> Column:
        column = self.column("ids")
        if not column.is_text and column.kind != "value_int":
            dtype = str(self._file["ids"].dtype)
            raise WrongType(self.name, dataset="ids", dtype=dtype, accepted="strings or integers")
        return column

    def _dataset(self, name: str) -> Any:
        if name not in self.datasets():
            raise DatasetMissing(self.name, dataset=name, present=self.datasets())
        return self._file[name]

    def _matrix(self, name: str) -> Any:
        dataset = self._dataset(name)
        accepted = "(rows, dimensions) with at least one of each"
        if dataset.shape is None or len(dataset.shape) != 2 or 0 in dataset.shape:
            raise WrongShape(self.name, dataset=name, shape=dataset.shape, accepted=accepted)
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8):
            raise WrongType(
                self.name, dataset=name, dtype=str(dataset.dtype), accepted="float32, float64 or float16"
            )
        return dataset

    def _slices(self, dataset: Any, rows: int) -> Iterator[tuple[int, int]]:
        wanted = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * dataset.shape[1])))
        chunk = dataset.chunks[0] if dataset.chunks else 1
        step = max(1, wanted // chunk) * chunk
        for start in range(0, rows, step):
            yield start, min(start + step, rows)

    def _read(
        self, dataset: Any, name: str, start: int, stop: int
    ) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
        """Float32 rows, the numbers of those that are not finite, and of those that overflow float32."""
        try:
            raw: NDArray[Any] = dataset[start:stop]
        except OSError as error:
            raise UnreadableRows(
                self.name, dataset=name, first=start, last=stop - 1, reason=str(error)
            ) from error
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


def _open(path: Path, name: str) -> h5py.File:
    if not path.is_file():
        raise DataFileMissing(name)
    if not h5py.is_hdf5(path):
        raise NotHdf5(name)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise TruncatedFile(name, reason=str(error)) from error


@contextmanager
def open_vectors(
    source: str, *, limit: int | None = None, fetch: Fetch | None = None, folder: Path | None = None
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
        path = Path(source).expanduser()
    with VectorFile(path, limit=limit, name=source) as file:
        yield file
