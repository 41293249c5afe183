"""Documents in a file, JSON lines or one JSON array, read one by one and checked before anything is created.

A document's id is a named field or the hash of its canonical form, never automatic: sent twice, it is stored once. Of
JSON lines no more than eight bytes per document are kept in memory.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, Field

from tasks.errors import InvalidInput
from tasks.lines import filled_lines, reading
from tasks.plurals import counted
from tasks.steps import step

MOST_ID_BYTES = 512
"""Elasticsearch refuses longer ids."""
_SHOWN = 5
_SHOWN_LENGTH = 80
"""Characters of a value in a message."""
_CONTENTS = 2**128


class DocumentSource(BaseModel, frozen=True):
    """Where documents come from."""

    path: Path
    """JSON lines, or a file that begins with `[`: one JSON array."""
    id_field: str | None = None
    """The field whose value is the document's id; None takes the hash of the document."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first N; None for all."""


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    line: int
    """Its line, from 1; of a JSON array, its place in it."""
    id: str
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CheckedDocuments:
    """What a file holds, if all of it can be used."""

    source: DocumentSource
    documents: int
    """Distinct ids: what an index holds afterwards."""
    repeated: int
    """Documents whose id occurred before; the last one wins."""
    content: str
    """Hash of ids and documents, whatever their order."""
    fields: tuple[str, ...] = field(repr=False)
    """The fields that occur, by name."""


@dataclass
class _Problems:
    """What cannot be used: how many, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, problem: str) -> None:
        """Count one, and keep it while there are few."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(problem)


@step("check the documents of {source.path}")
def read_checked_documents(source: DocumentSource, needed: tuple[str, ...] = ()) -> CheckedDocuments:
    """Read all documents once and check that each can be used.

    Args:
        source: where they are.
        needed: fields that must each occur in at least one document: those that will be embedded.

    Raises:
        InvalidInput: the file does not exist, or lines in it cannot be used; lists the first ones.
    """
    hashed, fields = array("q"), set[str]()
    content, problems = 0, _Problems()
    for document in _read(source, problems):
        hashed.append(hash(document.id))
        fields.update(_paths(document.body))
        content += _digest(document)
    if problems.count:
        more = f" and {problems.count - _SHOWN:,} more" if problems.count > _SHOWN else ""
        raise InvalidInput(
            f"{counted(problems.count, 'document')} cannot be used: {'; '.join(problems.first)}{more}",
            source=str(source.path),
        )
    if not hashed:
        raise InvalidInput("There is no document in this file", value=str(source.path))
    if absent := [name for name in needed if name not in fields]:
        raise InvalidInput(
            "No document has this field", value=", ".join(absent), source=str(source.path),
            accepted=", ".join(sorted(fields)),
        )  # fmt: skip
    again, overwritten = _overwritten(source, hashed)
    # A sum does not depend on the order, so nothing has to be kept and sorted for it.
    content = f"{(content - overwritten) % _CONTENTS:032x}"
    return CheckedDocuments(
        source=source,
        documents=len(hashed) - again,
        repeated=again,
        content=content,
        fields=tuple(sorted(fields)),
    )


def read_documents(source: DocumentSource) -> Iterator[Document]:
    """The documents of a file that `read_checked_documents` has seen, in their order."""
    problems = _Problems()
    for document in _read(source, problems):
        yield document
        if problems.count:
            break
    if problems.count:
        raise InvalidInput(
            f"The file has changed since it was checked: {problems.first[0]}", source=str(source.path)
        )


def document_id(body: dict[str, Any], id_field: str | None) -> str:
    """The id of a document: the named field's value, or 32 hex digits of its canonical form.

    Raises:
        ValueError: the field is missing, or its value cannot be an id.
    """
    if id_field is None:
        return hashlib.blake2b(canonical(body), digest_size=16).hexdigest()
    value = body.get(id_field)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise ValueError(f"{id_field} is {_shown(value)}, which cannot be an id")
    if len(str(value).encode()) > MOST_ID_BYTES:
        raise ValueError(f"{id_field} is longer than {MOST_ID_BYTES} bytes")
    return str(value)


def canonical(body: dict[str, Any]) -> bytes:
    """A document as JSON, the same whatever the order of its keys."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def _digest(document: Document) -> int:
    """A number of 128 bits for a document and its id."""
    row = orjson.dumps(document.id) + canonical(document.body)
    return int.from_bytes(hashlib.blake2b(row, digest_size=16).digest())


def _overwritten(source: DocumentSource, hashed: array[int]) -> tuple[int, int]:
    """How many documents come again under an id, and the sum of the digests of those that are overwritten so.

    The file is read again only where a hash of an id occurs twice.
    """
    hashes = np.frombuffer(hashed, dtype=np.int64)
    hashes.sort()  # in place: positions, as `tasks.repeats` has them, would take several times the memory
    suspects: set[int] = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    again = digests = 0
    last: dict[str, int] = {}
    for document in read_documents(source) if suspects else ():
        if hash(document.id) in suspects:
            if document.id in last:
                again, digests = again + 1, digests + last[document.id]
            last[document.id] = _digest(document)
    return again, digests


def _shown(value: object) -> str:
    """A value in a message, cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}..."


def _read(source: DocumentSource, problems: _Problems) -> Iterator[Document]:
    """The documents that can be used; the others are counted in `problems`."""
    for number, value in _values(source, problems):
        if not isinstance(value, dict):
            problems.add(f"line {number}: not an object")
            continue
        body: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        try:
            yield Document(number, document_id(body, source.id_field), body)
        except ValueError as error:
            problems.add(f"line {number}: {error}")


def _values(source: DocumentSource, problems: _Problems) -> Iterator[tuple[int, Any]]:
    if _is_array(source.path):
        yield from _elements(source)
        return
    for number, line in islice(filled_lines(source.path), source.limit):
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            problems.add(f"line {number}: {error}")


def _is_array(path: Path) -> bool:
    with reading(path) as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _elements(source: DocumentSource) -> Iterator[tuple[int, Any]]:
    with reading(source.path) as file:
        raw = file.read()
    try:
        elements: list[Any] = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"This is not a JSON array ({error})", value=str(source.path)) from error
    yield from enumerate(elements[: source.limit], start=1)


def _paths(body: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in body.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")  # pyright: ignore[reportUnknownArgumentType]
