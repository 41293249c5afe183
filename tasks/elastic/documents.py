"""Documents in a file, JSON lines or one JSON array, read one by one and checked before anything is created.

A document's id is a named field or the hash of its canonical form, never automatic: sent twice, it is stored once. Must
not: talk to the cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, Field

from tasks.errors import InvalidInput
from tasks.steps import step

MOST_ID_BYTES = 512
"""Elasticsearch refuses longer ids."""
_SHOWN = 5


class DocumentSource(BaseModel, frozen=True):
    """Where documents come from."""

    path: Path
    """JSON lines, or a file that begins with `[`: one JSON array."""
    id_field: str | None = None
    """The field whose value is the document's id; None takes the hash of the document."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first so many."""


@dataclass(frozen=True)
class Document:
    """One document of a file."""

    line: int
    """Its line, from 1; of a JSON array, its place in it."""
    id: str
    body: dict[str, Any]


@dataclass(frozen=True)
class CheckedDocuments:
    """What a file holds, when all of it can be used."""

    source: DocumentSource
    documents: int
    """Different ids: what an index holds afterwards."""
    repeated: int
    """Documents whose id occurred before; of those, the last one stays."""
    content: str
    """Hash of ids and documents."""
    fields: tuple[str, ...] = field(repr=False)
    """The fields that occur, by name."""


@step("check the documents of {source.path}")
def read_checked_documents(source: DocumentSource, needed: tuple[str, ...] = ()) -> CheckedDocuments:
    """Read all documents once and see that each can be used.

    Args:
        source: where they are.
        needed: fields, one of which at least every file must have somewhere: those that will be embedded.

    Raises:
        InvalidInput: the file is not there, or lines in it cannot be used; names the first ones.
    """
    ids, fields = dict[str, bytes](), set[str]()
    count, problems = 0, list[str]()
    for document in _read(source, problems):
        count += 1
        fields.update(_paths(document.body))
        ids[document.id] = hashlib.blake2b(canonical(document.body), digest_size=16).digest()
    if problems:
        more = f" and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
        raise InvalidInput(
            f"{len(problems):,} documents cannot be used: {'; '.join(problems[:_SHOWN])}{more}",
            source=str(source.path),
        )
    if not count:
        raise InvalidInput("There is no document in this file", value=str(source.path))
    if absent := [name for name in needed if name not in fields]:
        raise InvalidInput(
            "No document has this field", value=", ".join(absent), source=str(source.path),
            accepted=", ".join(sorted(fields)),
        )  # fmt: skip
    content = hashlib.blake2b(digest_size=12)
    for id_, digest in sorted(ids.items()):
        content.update(orjson.dumps(id_) + digest)
    return CheckedDocuments(source, len(ids), count - len(ids), content.hexdigest(), tuple(sorted(fields)))


def read_documents(source: DocumentSource) -> Iterator[Document]:
    """The documents of a file that `read_checked_documents` has seen, in their order."""
    problems: list[str] = []
    for document in _read(source, problems):
        yield document
        if problems:
            break
    if problems:
        raise InvalidInput(
            f"The file has changed since it was checked: {problems[0]}", source=str(source.path)
        )


def document_id(body: dict[str, Any], id_field: str | None) -> str:
    """The id of a document: the named field's value, or 32 hex digits of its canonical form.

    Raises:
        ValueError: the field is not there, or its value cannot be an id.
    """
    if id_field is None:
        return hashlib.blake2b(canonical(body), digest_size=16).hexdigest()
    value = body.get(id_field)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise ValueError(f"{id_field} is {value!r}, which cannot be an id")
    if len(str(value).encode()) > MOST_ID_BYTES:
        raise ValueError(f"{id_field} is longer than {MOST_ID_BYTES} bytes")
    return str(value)


def canonical(body: dict[str, Any]) -> bytes:
    """A document as JSON, the same whatever the order of its keys."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def _read(source: DocumentSource, problems: list[str]) -> Iterator[Document]:
    """The documents that can be used; of the others, a line in `problems`."""
    for number, value in _values(source, problems):
        if not isinstance(value, dict):
            problems.append(f"line {number}: not an object")
            continue
        body: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        try:
            yield Document(number, document_id(body, source.id_field), body)
        except ValueError as error:
            problems.append(f"line {number}: {error}")


def _values(source: DocumentSource, problems: list[str]) -> Iterator[tuple[int, Any]]:
    try:
        with source.path.open("rb") as file:
            if _is_array(file.read(64)):
                file.seek(0)
                yield from _elements(source, file.read())
                return
            file.seek(0)
            taken = 0
            for number, line in enumerate(file, start=1):
                if line.isspace():
                    continue
                if source.limit is not None and taken == source.limit:
                    return
                taken += 1
                try:
                    yield number, orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    problems.append(f"line {number}: {error}")
    except OSError as error:
        raise InvalidInput(f"This file cannot be read ({error.strerror})", value=str(source.path)) from error


def _elements(source: DocumentSource, raw: bytes) -> Iterator[tuple[int, Any]]:
    try:
        elements: list[Any] = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"This is not a JSON array ({error})", value=str(source.path)) from error
    yield from enumerate(elements[: source.limit], start=1)


def _is_array(beginning: bytes) -> bool:
    return beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _paths(body: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in body.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")  # pyright: ignore[reportUnknownArgumentType]
