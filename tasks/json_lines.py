"""JSON lines of rows that people want in an index: an id, values, a vector. Whatever a line lacks is an error with its number.

A file is read twice, once to check it as a whole and once to send it, so that it is never in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact
from tasks.lines import filled_lines
from tasks.repeats import HashedIds

_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127
_SUSPECTS = 1000
"""Hashes that are looked for in one more reading."""

Ids: TypeAlias = Callable[[], Iterator[tuple[int, str]]]
"""Reads the ids from the first, each with the number of its line."""


class BadLine(InvalidInput):
    """A line is not what the index takes."""

    def __init__(self, path: Path, line: int, what: str, *, value: object = None, accepted: str = "") -> None:
        self.path, self.line = str(path), line
        super().__init__(what, value=value, source=f"line {line} of {path}", accepted=accepted)


def json_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The object of every line that is not blank, with the number of the line from 1.

    Raises:
        BadLine: it is not JSON that means one thing only, or no object.
        InvalidInput: as `tasks.lines.lines`.
    """
    for number, line in filled_lines(path):
        try:
            given = exact(line)
        except NotExact as error:
            shown = line[:200].decode(errors="replace")
            raise BadLine(path, number, f"Not a line of JSON ({error})", value=shown) from error
        if not isinstance(given, dict):
            raise BadLine(path, number, "Not a JSON object", value=given)
        yield number, given


def count_rows(path: Path, ids: Ids, *, noun: str) -> int:
    """Count the rows of a file, each of which has an id of its own. They are read again where one seems to occur twice.

    Args:
        path: for errors.
        ids: from the file.
        noun: what a row is called, in the plural.

    Raises:
        BadLine: a line repeats the id of an earlier one.
        InvalidInput: there are none.
    """
    hashed = HashedIds()
    for _, id_ in ids():
        hashed.add(id_)
    if not hashed.count:
        raise InvalidInput(f"There are no {noun} in this file", value=str(path), source="file")
    repeats = hashed.repeats()
    while suspects := {repeat.hash for repeat in islice(repeats, _SUSPECTS)}:
        first = dict[str, int]()
        for number, id_ in ids():
            if hash(id_) in suspects and (before := first.setdefault(id_, number)) != number:
                raise BadLine(path, number, f"This id is that of line {before} as well", value=id_)
    return hashed.count


def id_of(path: Path, line: int, given: object) -> str:
    """An id as text.

    Raises:
        BadLine: it is missing, empty, or neither text nor a whole number.
    """
    if not isinstance(given, str | int) or isinstance(given, bool) or given == "":
        raise BadLine(
            path, line, "The id is missing or no text", value=given, accepted="text or a whole number"
        )
    return str(given)


def vector_of(path: Path, line: int, given: object, *, field: str, dimensions: int) -> list[float]:
    """A dense vector.

    Raises:
        BadLine: it is missing, of another length, or not of numbers that float32 can hold.
    """
    accepted = f"{dimensions} finite numbers"
    if not isinstance(given, list) or not all(map(_is_number, given)):
        raise BadLine(
            path, line, f"The vector {field} is missing or not of numbers", value=given, accepted=accepted
        )
    if len(given) != dimensions:
        raise BadLine(
            path, line, f"The vector {field} has another length", value=len(given), accepted=accepted
        )
    return [float(value) for value in given]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_FLOAT32
