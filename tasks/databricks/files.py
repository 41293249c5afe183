"""Rows in JSON lines, as the service takes them: the id, the data columns and the vector.

    {"id": "heat", "year": 1995, "embedding": [0.1, 0.9]}

Every line is checked before the first is sent, and the file is read again for that: it is never in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.databricks.data import MOST_KEY_BYTES, MOST_ROW_BYTES, Row, size_of
from tasks.databricks.indexes import IndexState
from tasks.databricks.loading import upsert
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.json_lines import BadLine, count_rows, id_of, json_objects, vector_of
from tasks.steps import step
from tasks.waiting import Deadline

_INT64 = range(-(2**63), 2**63)


@step("validate {path}")
def read_row_file(path: Path, index: IndexState) -> int:
    """Check every line of a file. Returns how many rows it has.

    Raises:
        BadLine: a line does not fit, or repeats the id of an earlier one.
        InvalidInput: the file cannot be read, or has none.
    """
    return count_rows(path, lambda: ((number, row[KEY]) for number, row in _rows(path, index)), noun="rows")


@step("upsert rows into index {index.shown}")
def apply_row_file(
    settings: DatabricksSettings, index: IndexState, path: Path, total: int, deadline: Deadline
) -> int:
    """Create or replace the rows of a file that was checked. Returns how many were sent.

    Raises:
        DeadlinePassed: with how far it came; a second run begins at the first, which does no harm.
        RowsRefused: the service keeps refusing some.
    """
    return upsert(settings, index, (row for _, row in _rows(path, index)), total, deadline)


def _rows(path: Path, index: IndexState) -> Iterator[tuple[int, Row]]:
    for number, given in json_objects(path):
        yield number, _row(path, number, given, index)


def _row(path: Path, number: int, row: Row, index: IndexState) -> Row:
    row[KEY] = id_of(path, number, row.get(KEY))
    if len(row[KEY].encode()) > MOST_KEY_BYTES:
        raise BadLine(
            path, number, "This id is too long", value=row[KEY], accepted=f"at most {MOST_KEY_BYTES} bytes"
        )
    for column, value in row.items():
        _check_value(path, number, index, column, value)
    vector = row.get(index.vector_column)
    row[index.vector_column] = vector_of(
        path, number, vector, field=index.vector_column, dimensions=index.dimensions
    )
    if size_of(row) > MOST_ROW_BYTES:
        accepted = f"at most {MOST_ROW_BYTES:,} bytes"
        raise BadLine(
            path, number, "This row is too large", value=f"{size_of(row):,} bytes", accepted=accepted
        )
    return row


def _check_value(path: Path, number: int, index: IndexState, column: str, value: Any) -> None:
    if column not in index.columns:
        raise BadLine(
            path,
            number,
            "The index has no such column",
            value=column,
            accepted=", ".join(index.columns),
        )
    kind = index.columns[column]
    if value is None or column == index.vector_column or _fits(value, kind):
        return
    raise BadLine(path, number, f"The value of {column} has another type", value=value, accepted=kind)


def _fits(value: Any, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) and value in _INT64 if kind == "long" else isinstance(value, int | float)
