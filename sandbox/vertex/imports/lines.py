"""Lines of text files: JSON objects, or CSV in the documentation's own dialect, each one record."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from sandbox.vertex.imports.csv_line import parse_csv
from sandbox.vertex.imports.records import ErrorType, RecordError

Parsed = tuple[bytes, "dict[str, Any] | RecordError"]
"""A record as it stands in the file, and what it says or what is wrong with it."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def json_records(file: Iterable[bytes]) -> Iterator[Parsed]:
    """The records of a .json file."""
    return _records(file, _parse_json)


def csv_records(file: Iterable[bytes]) -> Iterator[Parsed]:
    """The records of a .csv file."""
    return _records(file, parse_csv)


def _records(file: Iterable[bytes], parse: Callable[[str], dict[str, Any]]) -> Iterator[Parsed]:
    for number, ended in enumerate(file):
        line = ended.rstrip(b"\r\n")
        try:
            yield line, parse(_text(line.removeprefix(_BYTE_ORDER_MARK) if number == 0 else line))
        except RecordError as error:
            yield line, error


def _text(line: bytes) -> str:
    if not line.strip():
        raise RecordError(ErrorType.EMPTY_LINE, "The line is empty.")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise RecordError(ErrorType.INVALID_ENCODING, f"The line is not valid UTF-8: {error}") from None


def _parse_json(text: str) -> dict[str, Any]:
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        record = _python(text)
        if record is None:
            raise RecordError(ErrorType.INVALID_JSON_SYNTAX, f"The line is not valid JSON: {error}") from None
    if not isinstance(record, dict):
        raise RecordError(ErrorType.INVALID_JSON_SYNTAX, "The line is not a JSON object.")
    return record


def _python(text: str) -> Any:
    """What a dict of Python says: "About hybrid search" writes its import file so. None if it is no such thing."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
