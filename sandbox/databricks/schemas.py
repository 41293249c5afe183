"""The columns of a Direct Vector Access index, and the rows that fit them."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Any, cast

import orjson

from sandbox.databricks import errors
from sandbox.databricks.calls import Body

SCALARS = ("integer", "int", "long", "bigint", "float", "double", "boolean", "string", "date", "timestamp")
VECTORS = ("array<float>", "array<double>")
MOST_COLUMNS = 50
MOST_DIMENSIONS = 4096
ROW_BYTES = 100 * 1024
KEY_BYTES = 128
"""The limits are from memory of the page "Resource and data size limits"."""
_INTEGERS = {"integer": 31, "int": 31, "long": 63, "bigint": 63}
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def parsed(schema_json: Any, primary_key: str, vectors: dict[str, int]) -> dict[str, str]:
    """The type of each column.

    Args:
        schema_json: an object in JSON, as text.
        primary_key: the column that names a row.
        vectors: the vector columns and their dimensions.

    Raises:
        Refusal: it is no schema, or does not have these columns.
    """
    try:
        found = orjson.loads(schema_json)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise errors.INVALID.refusal(problem=f"schema_json is not JSON: {error}") from None
    if not isinstance(found, dict) or not found:
        raise errors.INVALID.refusal(problem="schema_json must be an object of column names and types")
    if len(found) > MOST_COLUMNS:
        raise errors.TOO_LARGE.refusal(what="The number of columns", found=len(found), most=MOST_COLUMNS)
    columns = cast("dict[str, str]", found)
    for column, kind in columns.items():
        _check_column(column, kind)
    check_roles(columns, primary_key, vectors)
    return columns


def check_roles(columns: dict[str, str], primary_key: str, vectors: dict[str, int]) -> None:
    """See that these columns can be the primary key and the vectors of an index.

    Raises:
        Refusal: they cannot.
    """
    for column in (primary_key, *vectors):
        if column not in columns:
            raise errors.INVALID.refusal(problem=f"Column {column} is not in the schema")
    if columns[primary_key] not in (*_INTEGERS, "string"):
        raise errors.INVALID.refusal(problem=f"The primary key {primary_key} must be an integer or a string")
    for column, dimension in vectors.items():
        if columns[column] not in VECTORS:
            raise errors.INVALID.refusal(problem=f"The vector column {column} must be an array of floats")
        if not 0 < dimension <= MOST_DIMENSIONS:
            what = f"The dimension of {column}"
            raise errors.TOO_LARGE.refusal(what=what, found=dimension, most=MOST_DIMENSIONS)


def _check_column(column: str, kind: object) -> None:
    if not _COLUMN.fullmatch(column):
        raise errors.INVALID.refusal(problem=f"{column!r} is no name of a column")
    if kind not in (*SCALARS, *VECTORS):
        accepted = ", ".join((*SCALARS, *VECTORS))
        raise errors.INVALID.refusal(
            problem=f"The type of column {column} is {kind!r}; supported: {accepted}"
        )


def key_of(value: Any, kind: str) -> str:
    """A primary key as text.

    Raises:
        Refusal: it is missing, too long, or of another type.
    """
    if _fits(value, kind) and value is not None and value != "":
        text = str(value)
        if len(text.encode()) <= KEY_BYTES:
            return text
        raise errors.TOO_LARGE.refusal(what="A primary key", found=len(text.encode()), most=KEY_BYTES)
    raise errors.INVALID.refusal(problem=f"{value!r} is no primary key of type {kind}")


def fits(row: Body, columns: dict[str, str], vectors: dict[str, int]) -> bool:
    """Whether a row can be stored: types, dimensions, its size.

    Raises:
        Refusal: a column that the schema does not have.
    """
    for column in row:
        if column not in columns:
            raise errors.INVALID.refusal(problem=f"Column {column} is not in the schema of the index")
    if any(not _is_vector(row.get(column), dimension) for column, dimension in vectors.items()):
        return False
    if not all(_fits(value, columns[column]) for column, value in row.items() if column not in vectors):
        return False
    return len(orjson.dumps(row)) <= ROW_BYTES


def whole(row: Body, columns: dict[str, str]) -> Body:
    """A row with every column; those that are missing are null: a row replaces the whole stored one."""
    return {column: row.get(column) for column in columns}


def _is_vector(value: Any, dimension: int) -> bool:
    return isinstance(value, list) and len(value) == dimension and all(map(_is_number, value))  # pyright: ignore[reportUnknownArgumentType]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _fits(value: Any, kind: str) -> bool:
    if value is None:
        return True
    if kind in _INTEGERS:
        bits = _INTEGERS[kind]
        return isinstance(value, int) and not isinstance(value, bool) and -(2**bits) <= value < 2**bits
    if kind in ("float", "double"):
        return _is_number(value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in VECTORS:
        return isinstance(value, list) and all(map(_is_number, value))  # pyright: ignore[reportUnknownArgumentType]
    return isinstance(value, str) and (kind == "string" or _is_time(value, kind))


def _is_time(value: str, kind: str) -> bool:
    try:
        (date if kind == "date" else datetime).fromisoformat(value)
    except ValueError:
        return False
    return True
