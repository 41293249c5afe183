"""A file of vectors as people have it, dense, sparse or both, read in whole blocks of rows whatever the format.

tasks/vertex/data/formats/ reads each format as named datasets. One of them, (rows, dimensions), goes into the index as dense
vectors, sparse rows as sparse embeddings; optional are queries of either kind, ids (rows,) of strings or integers, and any
further (rows,) dataset as a metadata column. In HDF5 these are by default the layout of ann-benchmarks: ``train``, ``test`` and
``ids``, with ``train_words`` and ``test_words`` (words to show instead of numbers). The layout's own ``neighbors`` are never
used: they hold for one distance measure, which need not be the index's (tasks/measures/neighbors.py computes them).

It is never read row by row nor whole (tasks/vertex/data/matrices.py).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.blocks import Block
from tasks.vertex.data.columns import Column
from tasks.vertex.data.errors import (
    DataFileElsewhere,
    DatasetMissing,
    DataUnreadable,
    LimitBelowOne,
    WrongRowCount,
    WrongShape,
    WrongType,
)
from tasks.vertex.data.formats.errors import QueriesMissing
from tasks.vertex.data.formats.hdf5 import Hdf5File
from tasks.vertex.data.formats.json_lines import JsonLinesFile
from tasks.vertex.data.formats.opening import is_hdf5, open_data_file
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.matrices import BLOCK_ROWS, DenseRows, Matrix
from tasks.vertex.data.queries import Queries
from tasks.vertex.data.sparse import SparseSource

LAYOUT = frozenset({"neighbors", "distances", "train_words", "test_words"})
"""What the layout of ann-benchmarks has beside, which nobody needs to be told of."""

Fetch = Callable[[str, Path], Path]
"""``fetch(uri, folder)`` downloads gs://bucket/object into the folder and returns the file."""


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
            WrongType, WrongRowCount, NotCsr, LimitBelowOne.
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
            self._asked = asked = names or Names()
            usual = self._file.defaults
            self.sparse_name: str | None = asked.sparse or self._usual_sparse(usual.sparse)
            self.vectors_name: str | None = asked.vectors or self._usual_vectors(str(usual.vectors))
            self.ids_name: str | None = asked.ids or usual.ids
            self.queries_name: str | None = asked.queries or usual.queries
            self.sparse_queries_name: str | None = asked.sparse_queries or self._usual_sparse_queries()
            self.vectors: Matrix | None = self._matrix(self.vectors_name) if self.vectors_name else None
            self.sparse: SparseSource | None = (
                self._file.sparse(self.sparse_name) if self.sparse_name else None
            )
            self._all_rows: int = self._count()
            self.rows: int = self._all_rows if limit is None else min(limit, self._all_rows)
            self.dimensions: int = self.vectors.dimensions if self.vectors is not None else 0
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
    def most_rows(self) -> int:
        """The most rows that may be read together, beside what the types of the datasets allow."""
        return self._file.most_rows

    @property
    def converted_from(self) -> str | None:
        """The type that the dense vectors are stored in, unless it is float32."""
        return None if self.vectors is None else self.vectors.converted_from

    def unused(self, columns: Sequence[str] = ()) -> list[str]:
        """The first names of the file that neither the index nor its queries are made from, with these as metadata columns."""
        named = (
            self.vectors_name,
            self.sparse_name,
            self.ids_name,
            self.queries_name,
            self.sparse_queries_name,
        )
        used = {name for name in (*named, *columns) if name}
        if isinstance(self._file, Hdf5File):
            used |= LAYOUT | {name.split("/")[0] for name in used}  # a group that something was taken from
        return [name for name in self._file.names() if name not in used]

    @property
    def has_records(self) -> bool:
        """Whether each row says itself which restricts and crowding tag it has."""
        return isinstance(self._file, JsonLinesFile)

    @property
    def has_ids(self) -> bool:
        """Whether the file names its rows; otherwise a row's id is its number, from 0, as a decimal string."""
        return self._ids is not None

    @property
    def has_queries(self) -> bool:
        """Whether something is named as queries, by the file or by options; what is no dataset is an error when it is read."""
        return self._query_file is not None or self.sparse_queries_name is not None or self._has_dense_queries

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
        """The rows in their order, each block aligned to the chunks of the dense vectors if they have any.

        Raises:
            UnreadableRows, NotFinite, OverflowsFloat32, NotText, OutsideInt64: at the block that has the fault. The
                validation looks at the whole file and names every bad row.
        """
        opened = [self.column(name) for name in columns]
        for start, stop in self._slices():
            dense = None if self.vectors is None else self.vectors.checked(start, stop)
            yield self._block(start, stop, dense, opened)

    def scan(self, columns: Sequence[str] = ()) -> Iterator[tuple[Block, DenseRows | None]]:
        """As ``blocks``, for the validation: each with what is wrong with its dense vectors."""
        opened = [self.column(name) for name in columns]
        for start, stop in self._slices():
            dense = None if self.vectors is None else self.vectors.read(start, stop)
            yield self._block(start, stop, dense, opened), dense

    def ids(self, start: int, stop: int) -> list[str]:
        """The ids of the rows start to stop (excluded)."""
        if self._ids is None:
            return [str(row) for row in range(start, stop)]
        return self._ids.texts(start, stop)

    def queries(self, limit: int | None = None, *, start: int = 0) -> NDArray[np.float32]:
        """The first ``limit`` dense queries, or all, from the row ``start``: (queries, dimensions) float32.

        Raises:
            InvalidInput: as ``asked`` and ``Queries.dense``.
        """
        return self.asked().dense(limit, start=start)

    @property
    def query_rows(self) -> int:
        """The number of queries.

        Raises:
            InvalidInput: as ``asked``.
        """
        return self.asked().rows

    def asked(self) -> Queries:
        """The queries.

        Raises:
            DatasetMissing, WrongShape, WrongType, WrongDimensions, WrongRowCount, NotCsr.
            QueriesMissing: nothing is named as queries.
        """
        dense, sparse = self._dense_queries(), self._sparse_queries()
        if dense is None and sparse is None:
            if self.queries_name is not None:
                raise DatasetMissing(self.name, dataset=self.queries_name, present=self.names())
            raise QueriesMissing(self.name, kind=self.kind)
        return Queries(
            dense,
            sparse,
            most_rows=min(BLOCK_ROWS, (self._query_file or self).most_rows),
            dimensions=self.dimensions,
            expected_by=f"`{self.vectors_name}`" if self.vectors_name else "the data",
        )

    def words(self, dataset: str, limit: int) -> list[str]:
        """The first words of a dataset such as ``train_words`` or ``test_words``; none if there is no such name."""
        if not self._file.has(dataset):
            return []
        stored = self._file.dataset(dataset)
        rows = self._all_rows if dataset == "train_words" else (stored.shape or (0,))[0]
        return Column(stored, path=self.name, rows=rows).texts(0, min(limit, rows))

    def _usual_sparse(self, name: str | None) -> str | None:
        return name if name and self._asked.vectors != name and self._file.has_sparse(name) else None

    def _usual_vectors(self, name: str) -> str | None:
        """The format's own name; none where it is absent beside sparse embeddings."""
        if self.sparse_name is None:
            return name
        return name if name != self.sparse_name and self._file.has(name) else None

    def _usual_sparse_queries(self) -> str | None:
        """What is asked for as queries, if it is sparse, or the group that says ``test`` where that of the rows says ``train``."""
        if self.sparse_name is None or not isinstance(self._file, Hdf5File):
            return None
        names = (self._asked.queries, self.sparse_name.replace("train", "test"))
        return next(
            (one for one in names if one and one != self.sparse_name and self._file.has_sparse(one)), None
        )

    def _count(self) -> int:
        if self.sparse is None:
            return self.vectors.rows if self.vectors is not None else 0
        if self.vectors is not None and self.sparse.rows != self.vectors.rows:
            name, rows = self.sparse.name, self.sparse.rows
            raise WrongRowCount(self.name, dataset=name, rows=rows, expected=self.vectors.rows)
        if not self.sparse.rows:
            raise WrongShape(self.name, dataset=self.sparse.name, shape=(0,), accepted="at least one row")
        return self.sparse.rows

    def _slices(self) -> Iterator[tuple[int, int]]:
        step = min(BLOCK_ROWS if self.vectors is None else self.vectors.step, self._file.most_rows)
        start = 0
        while start < self.rows:
            stop = min(start + step, self.rows)
            if self.sparse is not None:
                stop = self.sparse.cut(start, stop)
            yield start, stop
            start = stop

    def _block(self, start: int, stop: int, dense: DenseRows | None, columns: Sequence[Column]) -> Block:
        absent = None if self.vectors is not None else np.zeros(stop - start, np.bool_)
        return Block(
            first_row=start,
            ids=self.ids(start, stop),
            vectors=np.empty((stop - start, 0), np.float32) if dense is None else dense.vectors,
            columns={column.name: column.values(start, stop) for column in columns},
            present=absent if dense is None else dense.present,
            sparse=None if self.sparse is None else self.sparse.read(start, stop),
            attached=self._file.records(start, stop).attached
            if isinstance(self._file, JsonLinesFile)
            else (),
        )

    def _dense_queries(self) -> Matrix | None:
        if self._query_file is not None:
            return self._query_file.vectors
        name = self.queries_name
        if name is None or name == self.sparse_queries_name or (self.sparse and not self._has_dense_queries):
            return None
        return self._matrix(name, may_be_empty=True)

    @property
    def _has_dense_queries(self) -> bool:
        """Whether dense queries are asked for, or are there by the format's own name beside dense vectors."""
        if self.queries_name is None or self.queries_name == self.sparse_queries_name:
            return False
        return self._asked.queries is not None or (
            self.vectors is not None and self._file.has(self.queries_name)
        )

    def _sparse_queries(self) -> SparseSource | None:
        if self._query_file is not None:
            return self._query_file.sparse
        return self._file.sparse(self.sparse_queries_name) if self.sparse_queries_name else None

    def _id_column(self, *, is_asked: bool) -> Column | None:
        if self.ids_name is None or not (is_asked or self._file.has(self.ids_name)):
            return None
        column = self.column(self.ids_name)
        if not column.is_text and column.kind != "value_int":
            dtype = str(self._file.dataset(self.ids_name).dtype)
            raise WrongType(self.name, dataset=self.ids_name, dtype=dtype, accepted="strings or integers")
        return column

    def _matrix(self, name: str, *, may_be_empty: bool = False) -> Matrix:
        return Matrix(self._file.dataset(name), self.name, may_be_empty=may_be_empty)


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
