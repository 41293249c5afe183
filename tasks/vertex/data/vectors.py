"""Vectors as people have them, read in whole blocks of rows: checked and converted alike, whatever the format.

tasks/vertex/data/formats/ reads each format as named datasets. One of them, (rows, dimensions), goes into the index;
optional are queries (queries, dimensions), ids (rows,) of strings or integers, and any further (rows,) dataset as a
metadata column. In HDF5 these are by default the layout of ann-benchmarks: ``train``, ``test`` and ``ids``, with
``train_words`` and ``test_words`` (words to show instead of numbers). The layout's own ``neighbors`` are never used: they
hold for one distance measure, which need not be the index's (tasks/measures/neighbors.py computes them).

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
from tasks.vertex.data.formats.errors import QueriesMissing
from tasks.vertex.data.formats.hdf5 import Hdf5File
from tasks.vertex.data.formats.opening import is_hdf5, open_data_file
from tasks.vertex.data.formats.stored import Names, Stored

BLOCK_ROWS = 4096
"""Most rows per block: larger ones were measured to be no faster."""
BLOCK_BYTES = 8 * 2**20
"""Most bytes of float32 per block, so that long vectors do not make large blocks."""
LARGEST_BLOCK_ROWS = 16 * BLOCK_ROWS
LARGEST_BLOCK_BYTES = 32 * 2**20
"""Most of both for a block that holds whole chunks."""
QUERY_BYTES = 64 * 2**20
"""Most bytes of queries in memory: 160,000 of 100 dimensions."""

LAYOUT = frozenset({"neighbors", "distances", "train_words", "test_words"})
"""What the layout of ann-benchmarks has beside, which nobody needs to be told of."""

Fetch = Callable[[str, Path], Path]
"""``fetch(uri, folder)`` downloads gs://bucket/object into the folder and returns the file."""


@dataclass(frozen=True)
class Block:
    """Neighboring rows."""

    first_row: int
    ids: list[str]
    vectors: NDArray[np.float32]
    """(len(ids), dimensions), C-contiguous, finite."""
    columns: Mapping[str, ColumnValues] = field(default_factory=dict[str, ColumnValues])


class VectorFile:
    """An open file. Use as a context manager, or through ``open_vectors``, which also downloads.

    Args:
        path: a local file.
        limit: only the first N rows; None for all. A file with fewer rows is not an error.
        name: how errors call the file, if not by its path.
        names: the datasets or columns of each part; by default what the format calls them.
        query_file: a file of queries, for formats that hold one table only.
        allow_external: also read values that lie in other files, which may be any that this process can read.

    Raises:
        InvalidInput: what tasks/vertex/data/formats/ finds wrong with the file, with the vectors or with the ids; WrongShape,
            WrongType, WrongRowCount, LimitBelowOne.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: int | None = None,
        name: str = "",
        names: Names | None = None,
        query_file: Path | None = None,
        allow_external: bool = False,
    ) -> None:
        if limit is not None and limit < 1:
            raise LimitBelowOne(limit)
        self.name = name or str(path)
        self._file = open_data_file(path, self.name, allow_external=allow_external)
        self._query_file: VectorFile | None = None
        try:
            asked, usual = names or Names(), self._file.defaults
            self.vectors_name: str = asked.vectors or str(usual.vectors)
            self.ids_name: str | None = asked.ids or usual.ids
            self.queries_name: str | None = asked.queries or usual.queries
            self._queries_are_asked_for = asked.queries is not None
            self.vectors: Stored = self._matrix(self.vectors_name)
            all_rows, self.dimensions = _shape(self.vectors)
            self.rows: int = all_rows if limit is None else min(limit, all_rows)
            self._all_rows: int = all_rows
            self._ids = self._id_column(is_asked=asked.ids is not None)
            if query_file is not None:
                self._query_file = VectorFile(query_file, name=asked.queries or str(query_file))
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
        if self._query_file is not None:
            self._query_file.close()

    @property
    def kind(self) -> str:
        """The format, for people."""
        return self._file.kind

    @property
    def converted_from(self) -> str | None:
        """The type that the vectors are stored in, unless it is float32."""
        return None if self.vectors.dtype == np.float32 else str(self.vectors.dtype)

    def unused(self, columns: Sequence[str] = ()) -> list[str]:
        """The first names of the file that neither the index nor its queries are made from, with these as metadata columns."""
        used = {self.vectors_name, self.ids_name, self.queries_name, *columns}
        if isinstance(self._file, Hdf5File):
            used |= LAYOUT
        return [name for name in self._file.names() if name not in used]

    @property
    def has_ids(self) -> bool:
        """Whether the file names its rows; otherwise a row's id is its number, from 0, as a decimal string."""
        return self._ids is not None

    @property
    def has_queries(self) -> bool:
        """Whether something is named as queries, by the file or by options; what is no dataset is an error when it is read."""
        if self._query_file is not None or self._queries_are_asked_for:
            return True
        return self.queries_name is not None and self._file.has(self.queries_name)

    def check_neighbors(self) -> None:
        """Refuse HDF5 whose ``neighbors`` are there and no complete dataset of its own, although they are not used.

        Raises:
            NotADataset, ExternalData, NeverWritten, TooLargeForMemory, DataUnreadable.
        """
        if isinstance(self._file, Hdf5File) and self._file.has("neighbors"):
            self._file.dataset("neighbors")

    def names(self) -> list[str]:
        """The first names of the file, for errors."""
        return self._file.names()

    def column(self, name: str) -> Column:
        """A dataset with one value per row.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongRowCount.
        """
        return Column(self._file.dataset(name), path=self.name, rows=self._all_rows)

    def blocks(self, columns: Sequence[str] = ()) -> Iterator[Block]:
        """The rows in their order, each block aligned to the chunks of the vectors if they have any.

        A block has at most 4,096 rows and 8 MiB of float32, or one chunk where the chunks are larger, up to 65,536 rows
        and 32 MiB.

        Raises:
            UnreadableRows, NotFinite, OverflowsFloat32, NotText, OutsideInt64: at the block that has the fault. The
                validation looks at the whole file and names every bad row.
        """
        opened = [self.column(name) for name in columns]
        for start, stop in self._slices(self.vectors, self.rows):
            vectors, bad, overflowing = self._read(self.vectors, start, stop)
            _refuse(self.name, self.vectors_name, bad, overflowing)
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
        """The first ``limit`` queries, or all, from the row ``start``: (queries, dimensions) float32.

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
            what = f"The queries in `{test.name}`"
            raise TooLargeForMemory(self._queries_path, what=what, size=size, most=QUERY_BYTES)
        if stop <= start:
            return np.empty((0, self.dimensions), np.float32)
        vectors, bad, overflowing = self._read(test, start, stop)
        _refuse(self._queries_path, test.name, bad, overflowing)
        return vectors

    @property
    def query_rows(self) -> int:
        """The number of queries.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongDimensions.
        """
        return _shape(self._queries())[0]

    def check_queries(self) -> None:
        """Read every query, block by block.

        Raises:
            InvalidInput: as ``queries``, for the first block that has a fault.
        """
        test = self._queries()
        for start, stop in self._slices(test, _shape(test)[0]):
            _, bad, overflowing = self._read(test, start, stop)
            _refuse(self._queries_path, test.name, bad, overflowing)

    @property
    def _queries_path(self) -> str:
        return self.name if self._query_file is None else self._query_file.name

    def _queries(self) -> Stored:
        if self._query_file is not None:
            test = self._query_file.vectors
        elif self.queries_name is None:
            raise QueriesMissing(self.name, kind=self.kind)
        else:
            test = self._matrix(self.queries_name, may_be_empty=True)
        rows, dimensions = _shape(test)
        if rows and dimensions != self.dimensions:
            raise WrongDimensions(
                self._queries_path,
                dataset=test.name,
                dimensions=dimensions,
                expected=self.dimensions,
                expected_by=f"`{self.vectors_name}`",
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
        for start, stop in self._slices(self.vectors, self.rows):
            yield start, *self._read(self.vectors, start, stop)

    def _id_column(self, *, is_asked: bool) -> Column | None:
        if self.ids_name is None or not (is_asked or self._file.has(self.ids_name)):
            return None
        column = self.column(self.ids_name)
        if not column.is_text and column.kind != "value_int":
            dtype = str(self._file.dataset(self.ids_name).dtype)
            raise WrongType(self.name, dataset=self.ids_name, dtype=dtype, accepted="strings or integers")
        return column

    def _matrix(self, name: str, *, may_be_empty: bool = False) -> Stored:
        dataset = self._file.dataset(name)
        if may_be_empty and dataset.shape and dataset.shape[0] == 0:
            return dataset
        accepted = "(rows, dimensions) with at least one of each"
        if dataset.shape is None or len(dataset.shape) != 2 or 0 in dataset.shape:
            raise WrongShape(self.name, dataset=name, shape=dataset.shape, accepted=accepted)
        kind, size = dataset.dtype.kind, dataset.dtype.itemsize
        if not (kind == "f" and size in (2, 4, 8)) and not (kind in "iu" and size == 1):
            accepted = "float32, float64, float16, int8 or uint8"
            raise WrongType(self.name, dataset=name, dtype=str(dataset.dtype), accepted=accepted)
        return dataset

    def _slices(self, dataset: Stored, rows: int) -> Iterator[tuple[int, int]]:
        dimensions = max(1, _shape(dataset)[1])
        wanted = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (4 * dimensions)))
        most = max(1, min(LARGEST_BLOCK_ROWS, LARGEST_BLOCK_BYTES // (dataset.dtype.itemsize * dimensions)))
        chunk = dataset.chunk_rows
        step = min(max(1, wanted // chunk) * chunk, most)
        for start in range(0, rows, step):
            yield start, min(start + step, rows)

    def _read(
        self, dataset: Stored, start: int, stop: int
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


def _shape(matrix: Stored) -> tuple[int, int]:
    rows, dimensions = (*(matrix.shape or ()), 0, 0)[:2]
    return rows, dimensions


@contextmanager
def open_vectors(
    source: str,
    *,
    limit: int | None = None,
    names: Names | None = None,
    fetch: Fetch | None = None,
    folder: Path | None = None,
    allow_external: bool = False,
) -> Generator[VectorFile]:
    """Open a local file, or a gs:// object that ``fetch`` downloads into ``folder`` first.

    ``names.queries`` is a dataset of an HDF5 file, and beside any other format another file or object.

    Raises:
        DataFileElsewhere: a gs:// address without fetch and folder.
        Exception: as ``VectorFile``, and whatever ``fetch`` raises.
    """

    def local(source: str) -> Path:
        if not source.startswith("gs://"):
            return _local(source)
        if fetch is None or folder is None:
            raise DataFileElsewhere(source)
        return fetch(source, folder)

    path, queries = local(source), names.queries if names else None
    query_file = local(queries) if queries and not is_hdf5(path) else None
    with VectorFile(
        path, limit=limit, name=source, names=names, query_file=query_file, allow_external=allow_external
    ) as file:
        yield file


def _local(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError as error:  # ~name of a user that does not exist
        raise DataUnreadable(source, what="the data file", reason=str(error)) from error
