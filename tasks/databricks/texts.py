"""Rows of texts that the service itself embeds: JSON lines, checked before anything is made of them.

{"id": "heat", "text": "A thief and a detective ...", "year": 1995}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

import orjson

from tasks.databricks.data import MOST_KEY_BYTES, MOST_ROW_BYTES, Row, size_of
from tasks.databricks.specs import COLUMN, KEY, DataType
from tasks.errors import InvalidInput
from tasks.json_lines import BadLine, count_rows, id_of, json_objects
from tasks.plurals import counted, listed
from tasks.steps import step

_SHOWN = 10
"""Fields of a line that an error names."""
MOST_TEXT_BYTES = 32_764
"""Of a text that is embedded; from memory of the page "Resource and data size limits". Models read less: what exceeds theirs they cut
silently, so longer texts should be cut into passages first."""
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, kw_only=True)
class TextSource:
    """The rows to load."""

    data: str
    """A file of JSON lines."""
    text_column: str
    """The field that is embedded."""
    columns: tuple[str, ...] = ()
    """Fields that become columns of the index."""
    limit: int | None = None
    """Only the first N rows; None for all."""

    def rows(self) -> Iterator[Row]:
        """The rows in their order, checked.

        Raises:
            BadLine: a line does not fit; names it.
        """
        return (row for _, row in _rows(self))


@dataclass(frozen=True, kw_only=True)
class ValidatedTexts:
    """What a pass over a file of texts found."""

    rows: int
    content: str
    """Short name of the data: equal rows, equal name, in every process."""
    longest: int
    """Bytes of the longest text."""
    dimensions: int = 0
    """Of the vectors that the endpoint makes; 0 until it was asked."""
    queries: int = 0
    """There are none."""

    @property
    def size(self) -> str:
        """For people."""
        return counted(self.rows, "text")

    def of_dimensions(self, dimensions: int) -> ValidatedTexts:
        """The same, once the model's dimensions are known."""
        return replace(self, dimensions=dimensions)


@step("validate {source.data}")
def read_validated_texts(source: TextSource) -> tuple[ValidatedTexts, tuple[tuple[str, DataType], ...]]:
    """Check every line once, before anything is created or paid for. Returns what was found, and the type of each data column.

    Raises:
        BadLine: a line has no id or no text, repeats an id, or its values do not fit.
        InvalidInput: the file cannot be read, or has none; a name is no name of a column.
    """
    path = Path(source.data)
    if path.suffix not in (".jsonl", ".ndjson", ".json"):
        raise InvalidInput(
            "Texts are read from JSON lines", value=source.data, source="--data", accepted="a file that ends in .jsonl",
        )  # fmt: skip
    for name in (source.text_column, *source.columns):
        if not COLUMN.fullmatch(name) or name == KEY:
            raise InvalidInput(
                "This field cannot be a column of the index", value=name, source=source.data,
                accepted=f"letters, digits and underscores, no digit first; not {KEY}",
            )  # fmt: skip
    kinds, digest, longest = dict[str, DataType](), sha256(), 0

    def ids() -> Iterator[tuple[int, str]]:
        return ((number, row[KEY]) for number, row in _rows(source))

    for number, row in _rows(source):
        longest = max(longest, len(row[source.text_column].encode()))
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) + b"\n")
        for name in source.columns:
            if name in row:
                kinds[name] = _common(path, number, name, kinds.get(name), row[name])
    rows = count_rows(path, ids, noun="rows")
    absent: DataType = "string"
    types = tuple[tuple[str, DataType], ...]((name, kinds.get(name, absent)) for name in source.columns)
    return ValidatedTexts(rows=rows, content=digest.hexdigest()[:12], longest=longest), types


def _rows(source: TextSource) -> Iterator[tuple[int, Row]]:
    path = Path(source.data)
    for number, given in islice(json_objects(path), source.limit):
        yield number, _row(path, number, given, source)


def _row(path: Path, number: int, given: Row, source: TextSource) -> Row:
    key = id_of(path, number, given.get(KEY))
    if len(key.encode()) > MOST_KEY_BYTES:
        raise BadLine(
            path, number, "This id is too long", value=key, accepted=f"at most {MOST_KEY_BYTES} bytes"
        )
    if source.text_column not in given:
        raise BadLine(
            path, number, f"The field {source.text_column} is missing",
            accepted=f"the text to embed in it, or in another that text_column names; this line has {listed(list(given)[:_SHOWN])}",
        )  # fmt: skip
    text = given[source.text_column]
    if not isinstance(text, str) or not text.strip():
        raise BadLine(
            path, number, f"The field {source.text_column} has no text", value=text, accepted="the text to embed"
        )  # fmt: skip
    if len(text.encode()) > MOST_TEXT_BYTES:
        raise BadLine(
            path, number, "This text is too long to be embedded", value=f"{len(text.encode()):,} bytes",
            accepted=f"at most {MOST_TEXT_BYTES:,} bytes",
        )  # fmt: skip
    data = {name: given[name] for name in source.columns if given.get(name) not in (None, "")}
    row = {KEY: key, source.text_column: text, **data}
    if size_of(row) > MOST_ROW_BYTES:
        raise BadLine(
            path, number, "This row is too large", value=f"{size_of(row):,} bytes", accepted=f"at most {MOST_ROW_BYTES:,} bytes"
        )  # fmt: skip
    return row


def _common(path: Path, number: int, name: str, before: DataType | None, value: object) -> DataType:
    """The type of a column, with one more value: whole numbers become floats beside others.

    Raises:
        BadLine: the value is of another kind than those before.
    """
    kind = _kind(path, number, name, value)
    if before in (None, kind):
        return kind
    if {before, kind} == {"long", "double"}:
        return "double"
    raise BadLine(
        path, number, f"The value of {name} is of another type than those before", value=value, accepted=str(before)
    )  # fmt: skip


def _kind(path: Path, number: int, name: str, value: object) -> DataType:
    if isinstance(value, str):
        return "string"
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return "long"
    if isinstance(value, float):
        return "double"
    raise BadLine(
        path, number, f"The value of {name} cannot be a column's", value=value, accepted="text or a number of 64 bits"
    )  # fmt: skip
