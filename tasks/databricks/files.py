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
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact
from tasks.lines import lines
from tasks.steps import step
from tasks.waiting import Deadline

_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127
_INT64 = range(-(2**63), 2**63)


class BadLine(InvalidInput):
    """A line is no row of the index."""

    def __init__(self, path: Path, line: int, what: str, *, value: object = None, accepted: str = "") -> None:
        self.path, self.line = str(path), line
        super().__init__(what, value=value, source=f"line {line} of {path}", accepted=accepted)


@step("validate {path}")
def read_row_file(path: Path, index: IndexState) -> int:
    """Check every line of a file. Returns how many rows it has.

    Raises:
        BadLine: a line does not fit, or repeats the id of an earlier one.
        InvalidInput: the file cannot be read, or has none.
    """
    seen = dict[str, int]()
    for number, row in _numbered(path, index):
        if row[KEY] in seen:
            raise BadLine(path, number, f"This id is that of line {seen[row[KEY]]} as well", value=row[KEY])
        seen[row[KEY]] = number
    if not seen:
        raise InvalidInput("There are no rows in this file", value=str(path), source="file")
    return len(seen)


@step("upsert rows into index {index.name}")
def apply_row_file(
    settings: DatabricksSettings, index: IndexState, path: Path, total: int, deadline: Deadline
) -> int:
    """Create or replace the rows of a file that was checked. Returns how many were sent.

    Raises:
        DeadlinePassed: with how far it came; a second run begins at the first, which does no harm.
        RowsRefused: the service keeps refusing some.
    """
    return upsert(settings, index, (row for _, row in _numbered(path, index)), total, deadline)


def _numbered(path: Path, index: IndexState) -> Iterator[tuple[int, Row]]:
    for number, line in lines(path):
        if line.strip():
            yield number, _row(path, number, line, index)


def _row(path: Path, number: int, line: bytes, index: IndexState) -> Row:
    try:
        given = exact(line)
    except NotExact as error:
        raise BadLine(
            path, number, f"Not a line of JSON ({error})", value=line[:200].decode(errors="replace")
        ) from error
    if not isinstance(given, dict):
        raise BadLine(path, number, "Not a JSON object", value=given)
    row: Row = given
    id_ = row.get(KEY)
    if not isinstance(id_, str | int) or isinstance(id_, bool) or id_ == "":
        raise BadLine(
            path, number, "The id is missing or no text", value=id_, accepted="text or a whole number"
        )
    row[KEY] = str(id_)
    if len(row[KEY].encode()) > MOST_KEY_BYTES:
        raise BadLine(
            path, number, "This id is too long", value=id_, accepted=f"at most {MOST_KEY_BYTES} bytes"
        )
    for column, value in row.items():
        _check_value(path, number, index, column, value)
    row[index.vector_column] = _vector(path, number, row.get(index.vector_column), index)
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


def _vector(path: Path, number: int, given: Any, index: IndexState) -> list[float]:
    accepted = f"{index.dimensions} finite numbers"
    what = f"The vector {index.vector_column}"
    if not isinstance(given, list) or not all(map(_is_number, given)):
        raise BadLine(path, number, f"{what} is missing or not of numbers", value=given, accepted=accepted)
    if len(given) != index.dimensions:
        raise BadLine(path, number, f"{what} has another length", value=len(given), accepted=accepted)
    return [float(value) for value in given]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_FLOAT32
