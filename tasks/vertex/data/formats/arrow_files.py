"""Parquet and Arrow files (Feather is one of these), as columns. Needs pyarrow, so only `opening` imports it, and late.

Parquet is decoded a few thousand rows at a time, text as dictionaries, so that one long string that many rows share is
not multiplied. Arrow files are mapped into memory: uncompressed ones are not copied at all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.vertex.data.errors import DatasetMissing, TooLargeForMemory
from tasks.vertex.data.formats.arrow_columns import ArrowColumn
from tasks.vertex.data.formats.errors import WholeFileUnreadable
from tasks.vertex.data.formats.stored import MOST_BYTES, MOST_ROWS, DenseOnly, Names, reason, shown

BUFFER = 2**20
"""Bytes of a column that are read from the disk at once, instead of a whole row group."""
MOST_BATCH = 256 * 2**20
"""Most bytes of one column of a record batch that had to be unpacked; one that lies in the file as it is has no limit."""
NAMES = Names(vectors="embedding", ids="id")


class _Table(DenseOnly, ABC):
    """What both have in common."""

    defaults = NAMES
    kind: str

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.row_count = 0
        try:
            self._schema: Any = self._open(path)
            self._names: list[str] = list(self._schema.names)  # decoded only now, and not all bytes are UTF-8
        except Exception as error:
            raise WholeFileUnreadable(name, kind=self.kind, reason=reason(error)) from error

    @abstractmethod
    def _open(self, path: Path) -> Any:
        """Open the file and return its schema."""

    @abstractmethod
    def arrays(self, column: str, row: int) -> Iterator[tuple[int, Any]]:
        """The arrays of a column from the one that holds this row, each with the number of its first row."""

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._names

    def names(self) -> list[str]:
        """The first columns."""
        return shown(self._names)

    def dataset(self, name: str) -> ArrowColumn:
        """A column, from its first row.

        Raises:
            DatasetMissing: there is none, or there are several of that name.
            WrongType, NotAVector: as ``ArrowColumn``.
        """
        if self._names.count(name) != 1:
            raise DatasetMissing(self.name, dataset=name, present=self.names())
        return ArrowColumn(self, name, self._schema.field(name).type)


class ParquetData(_Table):
    """A Parquet file.

    Raises:
        WholeFileUnreadable: damaged, or with a compression that pyarrow does not know.
    """

    kind = "Parquet"

    def _open(self, path: Path) -> Any:
        plain = pq.ParquetFile(path, buffer_size=BUFFER)
        schema = plain.schema_arrow
        texts = [field.name for field in schema if _is_plain_text(field.type)]
        plain.close()
        self._file: Any = pq.ParquetFile(path, buffer_size=BUFFER, read_dictionary=texts)
        groups = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        if any(rows < 0 for rows in groups):
            raise ValueError("a row group with fewer than no rows")
        self._starts = [0, *accumulate(groups)]
        self.row_count = self._starts[-1]
        return schema

    def close(self) -> None:
        """Close the file; further reads fail."""
        self._file.close()

    def arrays(self, column: str, row: int) -> Iterator[tuple[int, Any]]:
        """The column from the row group that holds ``row``."""
        group = max((i for i, start in enumerate(self._starts[:-1]) if start <= row), default=0)
        first = self._starts[group]
        groups = range(group, len(self._starts) - 1)
        for batch in self._file.iter_batches(
            batch_size=self._batch_rows(column), row_groups=list(groups), columns=[column], use_threads=False
        ):
            yield first, batch.column(0)
            first += batch.num_rows

    def _batch_rows(self, column: str) -> int:
        """As many rows as ``MOST_BYTES`` hold by what the file says of itself; MOST_ROWS if it says nothing likely."""
        metadata = self._file.metadata
        if not self.row_count:
            return MOST_ROWS
        numbers = sum(
            chunk.num_values
            for group in range(self._file.num_row_groups)
            for number in range(metadata.num_columns)
            if (chunk := metadata.row_group(group).column(number)).path_in_schema.split(".")[0] == column
        )
        per_row = max(1, 8 * numbers // self.row_count)
        return max(1, min(MOST_ROWS, MOST_BYTES // per_row))


class ArrowData(_Table):
    """An Arrow file, or the stream that `datasets` writes.

    Raises:
        WholeFileUnreadable: damaged.
    """

    kind = "Arrow"

    def _open(self, path: Path) -> Any:
        self._path = str(path)
        with path.open("rb") as file:
            self._is_file = file.read(6) == b"ARROW1"
        reader = self._reader()
        self._starts = [0, *accumulate(batch.num_rows for batch in _batches(reader))]
        self.row_count = self._starts[-1]
        return reader.schema

    def close(self) -> None:
        """Nothing is open; a map goes with its last array."""

    def arrays(self, column: str, row: int) -> Iterator[tuple[int, Any]]:
        """The column from the record batch that holds ``row``."""
        index = self._names.index(column)
        reader = self._reader(included_fields=[index])
        for first, batch in zip(self._starts, _batches(reader), strict=False):
            if first + batch.num_rows <= row:
                continue
            array = batch.column(0)
            if array.nbytes > MOST_BATCH and self._unpacked_since(array):
                what = f"The column `{column}` of the record batch from row {first}"
                raise TooLargeForMemory(self.name, what=what, size=array.nbytes, most=MOST_BATCH)
            for start in range(0, len(array), MOST_ROWS):
                yield first + start, array.slice(start, MOST_ROWS)

    def _unpacked_since(self, array: Any) -> bool:
        return any(buffer is not None and not buffer.parent for buffer in array.buffers())

    def _reader(self, **options: Any) -> Any:
        # A map of its own: a stream goes on from where its map was read last.
        read, mapped = pa.ipc.IpcReadOptions(use_threads=False, **options), pa.memory_map(self._path)
        return (pa.ipc.open_file if self._is_file else pa.ipc.open_stream)(mapped, options=read)


def _batches(reader: Any) -> Iterator[Any]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return (reader.get_batch(number) for number in range(reader.num_record_batches))
    return iter(reader)


def _is_plain_text(declared: Any) -> bool:
    return pa.types.is_string(declared) or pa.types.is_binary(declared)
