"""Datapoints as JSON lines, the records of import files, read as named datasets like every other format.

One line is parsed at a time, by the parser of upserts (tasks/vertex/datapoints/records.py). What a record has beside its id and
its vectors goes into the index as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.vertex.data.errors import DatasetMissing
from tasks.vertex.data.formats.line_columns import FilledLines
from tasks.vertex.data.formats.stored import Names, Stored
from tasks.vertex.data.sparse import SparseBlock, SparseSource
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.records import NumberTypes, datapoint_of

VECTORS, IDS, SPARSE = "embedding", "id", "sparse_embedding"
BLOCK_TEXT = 16 * 2**20
"""Most bytes of lines that are parsed into one block: at most 32 MiB of float32, or 48 MiB of sparse values."""
VALUE_TEXT = 12
"""About how many bytes of a line a sparse value and its dimension take."""
_COLUMNS_ELSEWHERE = (
    "JSON lines are the records of import files; columns of your own are read from Parquet, Arrow and HDF5."
)

Attached = dict[str, Any]
"""The restricts, numeric restricts, crowding tag and metadata of a record, as JSON; empty for none."""


@dataclass(frozen=True, kw_only=True)
class _Records:
    """The parsed lines of one block."""

    start: int
    stop: int
    ids: list[str]
    vectors: NDArray[np.float32]
    present: NDArray[np.bool_]
    sparse: SparseBlock
    attached: list[Attached]


class JsonLinesFile:
    """A file of datapoints, one JSON object a line.

    Raises:
        InvalidInput: there is none, or the first with a vector is no datapoint.
    """

    kind = "JSON lines"
    defaults = Names(vectors=VECTORS, ids=IDS, sparse=SPARSE)

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.lines = FilledLines(path, name)
        self.most_rows = max(1, BLOCK_TEXT // max(1, self.lines.longest))
        self._types = NumberTypes()
        self._dimensions, self._has_sparse = self._vectors_there()
        self._parsed: _Records | None = None

    def close(self) -> None:
        """Nothing is open."""

    def has(self, name: str) -> bool:
        """Whether records have this field, of those that are read as datasets."""
        return name in self.names()

    def names(self) -> list[str]:
        """The fields that are read as datasets."""
        return [IDS, *([VECTORS] if self._dimensions else []), *([SPARSE] if self._has_sparse else [])]

    def dataset(self, name: str) -> Stored:
        """The ids or the dense vectors.

        Raises:
            DatasetMissing: another field, or no record has a dense vector.
        """
        if name == IDS:
            return _Ids(self)
        if name == VECTORS and self._dimensions:
            return _Vectors(self, self._dimensions)
        raise DatasetMissing(self.name, dataset=name, present=self.names())

    def has_sparse(self, name: str) -> bool:
        """Whether a record has sparse embeddings, and they are meant."""
        return name == SPARSE and self._has_sparse

    def sparse(self, name: str) -> SparseSource:
        """The sparse embeddings.

        Raises:
            DatasetMissing: another field, or no record has one.
        """
        if not self.has_sparse(name):
            raise DatasetMissing(self.name, dataset=name, present=self.names())
        return _Sparse(self)

    def records(self, start: int, stop: int) -> _Records:
        """The records of the rows start to stop (excluded); the last ones are remembered, since several datasets ask for them.

        Raises:
            InvalidInput: a line is no datapoint, or its vector has another number of dimensions than the first.
        """
        found = self._parsed
        if found is None or (found.start, found.stop) != (start, stop):
            found = self._parsed = self._read(start, stop)
        return found

    def _read(self, start: int, stop: int) -> _Records:
        ids, attached = list[str](), list[Attached]()
        vectors = np.zeros((stop - start, self._dimensions), np.float32)
        present = np.zeros(stop - start, np.bool_)
        dimensions, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        lengths = np.zeros(stop - start + 1, np.int64)
        for row, (number, line) in enumerate(self.lines.numbered(start, stop)):
            source = f"{self.name} line {number}"
            datapoint = datapoint_of(line, source, if_unknown=_COLUMNS_ELSEWHERE)
            self._types.check(datapoint, source)
            ids.append(datapoint.id)
            attached.append(_attached(datapoint))
            if datapoint.vector is not None:
                self._check_dimensions(datapoint, source)
                vectors[row], present[row] = datapoint.vector, True
            if datapoint.sparse_embedding is not None:
                dimensions.append(datapoint.sparse_embedding.dimensions)
                values.append(datapoint.sparse_embedding.values)
                lengths[row + 1] = len(values[-1])
        sparse = SparseBlock(start, np.cumsum(lengths), np.concatenate(dimensions), np.concatenate(values))
        return _Records(
            start=start,
            stop=stop,
            ids=ids,
            vectors=vectors,
            present=present,
            sparse=sparse,
            attached=attached,
        )

    def _check_dimensions(self, datapoint: Datapoint, source: str) -> None:
        assert datapoint.vector is not None  # noqa: S101 -- the caller has looked
        if datapoint.vector.size != self._dimensions:
            raise InvalidInput(
                f"The vector of datapoint {datapoint.id!r} has another number of dimensions than the first",
                value=datapoint.vector.size, source=source, accepted=str(self._dimensions),
            )  # fmt: skip

    def _vectors_there(self) -> tuple[int, bool]:
        """The dimensions of the first dense vector, 0 if there is none, and whether a record has a sparse one."""
        dimensions, has_sparse = 0, False
        for number, line in self.lines.numbered(0, self.lines.count):
            has_sparse = has_sparse or b'"sparse_embedding"' in line
            if not dimensions and (b'"embedding"' in line or b'"vector"' in line):
                vector = datapoint_of(
                    line, f"{self.name} line {number}", if_unknown=_COLUMNS_ELSEWHERE
                ).vector
                dimensions = 0 if vector is None else vector.size
            if dimensions and has_sparse:
                break
        return dimensions, has_sparse


class _Ids:
    """The ids of the records."""

    name = IDS
    chunk_rows = 1
    is_text = True
    dtype: np.dtype[Any] = np.dtype(object)

    def __init__(self, file: JsonLinesFile) -> None:
        self._file = file
        self.shape: tuple[int, ...] | None = (file.lines.count,)

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The ids as an array of bytes."""
        return np.array(self.strings(start, stop), dtype=object)

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The ids of the rows start to stop (excluded)."""
        return [id_.encode() for id_ in self._file.records(start, stop).ids]


class _Vectors:
    """The dense vectors of the records."""

    name = VECTORS
    chunk_rows = 1
    is_text = False
    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, file: JsonLinesFile, dimensions: int) -> None:
        self._file = file
        self.shape: tuple[int, ...] | None = (file.lines.count, dimensions)

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded); a record without a dense vector is masked."""
        found = self._file.records(start, stop)
        if found.present.all():
            return found.vectors
        missing = np.broadcast_to(~found.present[:, None], found.vectors.shape)
        return np.ma.MaskedArray(found.vectors, missing)

    def strings(self, start: int, stop: int) -> list[bytes]:
        """Never asked for, because `is_text` is False."""
        raise TypeError(f"The rows {start} to {stop} of {self.name} are numbers")


class _Sparse:
    """The sparse embeddings of the records."""

    name = SPARSE

    def __init__(self, file: JsonLinesFile) -> None:
        self._file = file
        self.path, self.rows = file.name, file.lines.count

    def values_in(self, rows: int) -> int:
        """About how many values there are."""
        return self._file.lines.size * rows // (self.rows * VALUE_TEXT)

    def cut(self, start: int, stop: int) -> int:  # noqa: ARG002 -- `most_rows` keeps every block small
        """Any number of rows up to `most_rows`."""
        return stop

    def read(self, start: int, stop: int) -> SparseBlock:
        """The rows start to stop (excluded)."""
        return self._file.records(start, stop).sparse

    def blocks(self, limit: int | None = None) -> Iterator[SparseBlock]:
        """The rows in their order, or the first ``limit``."""
        rows = self.rows if limit is None else min(limit, self.rows)
        for start in range(0, rows, self._file.most_rows):
            yield self.read(start, min(start + self._file.most_rows, rows))


def _attached(datapoint: Datapoint) -> Attached:
    found: Attached = {
        "restricts": [
            {"namespace": each.namespace}
            | ({"allow": list(each.allow)} if each.allow else {})
            | ({"deny": list(each.deny)} if each.deny else {})
            for each in datapoint.restricts
        ],
        "numeric_restricts": [
            {"namespace": each.namespace, each.field: getattr(each, each.field)}
            for each in datapoint.numeric_restricts
        ],
        "crowding_tag": datapoint.crowding_tag,
        "embedding_metadata": datapoint.embedding_metadata,
    }
    return {name: value for name, value in found.items() if value}
