"""Rows of an index made from the rows of a data file: the same readers as for Vertex AI, and what a row must be here.

A row is `{"id": "17", "genre": "Drama", "embedding": [0.1, 0.9]}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tasks.databricks.specs import COLUMN, KEY, DataType
from tasks.errors import InvalidInput
from tasks.progress import Progress
from tasks.steps import step
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.columns import ColumnKind
from tasks.vertex.data.formats.json_lines import JsonLinesFile
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.matrices import BLOCK_ROWS
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import ValidatedVectors, validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors

MOST_KEY_BYTES = 128
"""Of a primary key; from memory of the page "Resource and data size limits"."""
MOST_ROW_BYTES = 100 * 1024
"""Of a row; the same."""
TYPES: dict[ColumnKind, DataType] = {
    "token": "string",
    "value_int": "long",
    "value_float": "float",
    "value_double": "double",
}
"""The type of the column that holds what a column of the file holds."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """The rows to load."""

    data: str
    """A file of vectors in one of the formats of tasks/vertex/data/formats/."""
    limit: int | None = None
    """Only the first N rows; None for all."""
    columns: tuple[str, ...] = ()
    """Datasets or columns of the file that become columns of the index."""
    names: Names = field(default_factory=Names)
    """The datasets or columns that hold each part."""
    allow_external: bool = False
    """Also read values that the file names in other files."""

    @property
    def rules(self) -> DatapointRules:
        """The columns, as the validation takes them."""
        return DatapointRules(restrict_columns=self.columns)


def opened(source: RowSource) -> AbstractContextManager[VectorFile]:
    """The file of a source.

    Raises:
        InvalidInput: what the reader finds wrong; a gs:// address.
    """
    return open_vectors(
        source.data, limit=source.limit, names=source.names, allow_external=source.allow_external
    )


@step("validate {source.data}")
def read_validated(
    source: RowSource, vector_column: str, *, queries_needed: bool = False
) -> tuple[ValidatedVectors, tuple[tuple[str, DataType], ...]]:
    """Check every row once, before anything is created or paid for. Returns what was found, and the type of each data column.

    Raises:
        NoQueries: the file has none, and they are needed.
        InvalidInput: one of tasks/vertex/data/errors.py; a key or a row is too large, a name is no name of a column, or not every
            row has a dense vector and nothing else.
    """
    with Progress(f"validate {Path(source.data).name}") as progress, opened(source) as file:
        if file.kind == JsonLinesFile.kind:
            raise InvalidInput(
                "An index on Databricks is not built from records of Vertex AI", value=file.kind, source=source.data,
                accepted="HDF5, Parquet, Arrow, .npy, .fvecs or .bvecs",
                remedy="JSON lines of rows go into an index with `databricks upsert-datapoints`.",
            )  # fmt: skip
        types = tuple[tuple[str, DataType], ...](
            (name, TYPES[file.column(name).kind]) for name in source.columns
        )
        for name, _ in types:
            if not COLUMN.fullmatch(name) or name in (KEY, vector_column):
                raise InvalidInput(
                    "This column cannot be a column of the index", value=name, source=source.data,
                    accepted=f"letters, digits and underscores, no digit first; not {KEY} nor {vector_column}",
                )  # fmt: skip
        validated = validate_vectors(
            file, source.rules, queries_needed=queries_needed, on_progress=progress.count
        )
        if validated.sparse_rows or validated.dense_rows != validated.rows:
            raise InvalidInput(
                "An index is built from dense vectors, one in each row", value=validated.vectors, source=validated.name,
                accepted=f"{validated.rows:,} dense vectors and no sparse ones",
            )  # fmt: skip
        for number, row in enumerate(rows_of(file, source.columns, vector_column)):
            check_size(row, source=f"row {number} of {source.data}")
    progress.end(f"{validated.size}, nothing wrong")
    return validated, types


@step("read rows of {source.data}")
def read_rows(source: RowSource, vector_column: str, positions: Sequence[int]) -> list[Row]:
    """Some rows of a file, by their positions from 0, as they go into an index with plain numbers."""
    wanted = set(positions)
    with opened(source) as file:
        found = {
            position: {**row, vector_column: row[vector_column].tolist()}
            for position, row in enumerate(rows_of(file, source.columns, vector_column))
            if position in wanted
        }
    return [found[position] for position in positions]


@step("read query row {row} of {source.data}")
def read_query_vector(source: RowSource, row: int) -> tuple[float, ...]:
    """The dense vector of one of a file's queries.

    Raises:
        InvalidInput: there is no such row.
    """
    with opened(source) as file:
        asked = file.asked()
        if row >= asked.dense_rows:
            raise InvalidInput(
                "There is no such query row", value=row, source=f"the dense queries of {source.data}",
                accepted=f"0 to {asked.dense_rows - 1}" if asked.dense_rows else "none: it has no dense queries",
            )  # fmt: skip
        return tuple(asked.dense(1, start=row)[0].tolist())


def plain_rows(source: RowSource, vector_column: str) -> Iterator[Row]:
    """The rows of a source in their order, each vector as a list of numbers."""
    with opened(source) as file:
        for row in rows_of(file, source.columns, vector_column):
            yield {**row, vector_column: row[vector_column].tolist()}


def rows_of(file: VectorFile, columns: tuple[str, ...], vector_column: str) -> Iterator[Row]:
    """The rows of a file in their order. Where the file has no value, a row has no such column."""
    for block in file.blocks(columns):
        yield from _rows(block, columns, vector_column)


def ids_of(file: VectorFile) -> Iterator[list[str]]:
    """The ids of a file, in parts."""
    for start in range(0, file.rows, BLOCK_ROWS):
        yield file.ids(start, min(start + BLOCK_ROWS, file.rows))


def size_of(row: Row) -> int:
    """Bytes of a row within a request."""
    return len(orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY)) + 1


def check_size(row: Row, *, source: str) -> None:
    """See that a row fits into an index.

    Raises:
        InvalidInput: it or its id is too long.
    """
    key = row[KEY]
    if not 0 < len(key.encode()) <= MOST_KEY_BYTES:
        raise InvalidInput(
            "This id is too long", value=key, source=source, accepted=f"1 to {MOST_KEY_BYTES} bytes"
        )
    if (size := size_of(row)) > MOST_ROW_BYTES:
        raise InvalidInput(
            "This row is too large", value=f"{size:,} bytes", source=source, accepted=f"at most {MOST_ROW_BYTES:,} bytes",
            remedy="Leave a long column out, or shorten its texts.",
        )  # fmt: skip


def _rows(block: Block, columns: tuple[str, ...], vector_column: str) -> Iterator[Row]:
    named = [(name, block.columns[name].values) for name in columns]
    for position, (id_, vector) in enumerate(zip(block.ids, block.vectors, strict=True)):
        data = {name: values[position] for name, values in named if values[position] not in ("", None)}
        yield {KEY: id_, **data, vector_column: vector}
