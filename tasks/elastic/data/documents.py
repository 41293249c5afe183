"""Documents in a file, JSON lines or one JSON array, read one by one and checked before anything is created.

A document's id is a named field or the hash of its canonical form, never automatic: sent twice, it is stored once. What is
sent is the document's own text, without a field `_id` that is its id. No more than eight bytes per document are kept in memory.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from pydantic import BaseModel, Field

from tasks.errors import InvalidInput
from tasks.exact_json import Numeral, canonical, exact, shortened, written
from tasks.json_arrays import elements, is_array
from tasks.lines import filled_lines
from tasks.plurals import counted
from tasks.steps import step

MOST_ID_BYTES = 512
"""Elasticsearch refuses longer ids."""
ID = "_id"
METADATA = frozenset(
    (ID, "_data_stream_timestamp", "_field_names", "_ignored", "_index", "_nested_path", "_routing", "_seq_no", "_source",
     "_tier", "_version")
)  # fmt: skip
"""Names that Elasticsearch keeps for itself: a document with such a field is refused (MetadataFieldMapper.java)."""
_ACTIONS = ("create", "delete", "index", "update")
_ACTION_FIELDS = METADATA | {
    "routing",
    "pipeline",
    "version",
    "op_type",
    "require_alias",
    "retry_on_conflict",
}
_SHOWN = 5
_SHOWN_FIELDS = 50
_LONGEST_PATH = 100
"""Characters of a field's path in a message."""
_CONTENTS = 2**128


class DocumentSource(BaseModel, frozen=True):
    """Where documents come from."""

    path: Path
    """JSON lines, or a file that begins with `[`: one JSON array."""
    id_field: str | None = None
    """The field whose value is the document's id; None takes the hash of the document."""
    limit: int | None = Field(default=None, ge=1)
    """Only the first N; None for all."""


class Document(NamedTuple):
    """One document of a file. A tuple: a frozen dataclass takes a third of the time in which a document is read and checked."""

    place: str
    """`line 3`, or of a JSON array `element 3 (line 7)`; from 1."""
    id: str
    text: bytes
    """Its own text, on one line."""
    routing: str | None = None
    """The value that chooses its shard; None for its id, as of every document of a file."""

    @property
    def body(self) -> dict[str, Any]:
        """Its value, parsed at every call: kept, it would take many times the memory."""
        return exact(self.text)


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
    hashed, missing, fields = array("q"), set(needed), set[str]()
    content, problems = 0, _Problems()
    for document, body in _read(source, problems):
        hashed.append(hash(document.id))
        if missing:
            missing.difference_update([path for path in missing if _has(body, path)])
            fields.update(islice(_paths(body), _SHOWN_FIELDS - len(fields)))
        content += _digest(document.id, body)
    if problems.count:
        more = f" and {problems.count - _SHOWN:,} more" if problems.count > _SHOWN else ""
        raise InvalidInput(
            f"{counted(problems.count, 'document')} cannot be used: {'; '.join(problems.first)}{more}",
            source=str(source.path),
        )
    if not hashed:
        raise InvalidInput("There is no document in this file", value=str(source.path))
    if missing:
        raise InvalidInput(
            "No document has this field", value=", ".join(sorted(missing)), source=str(source.path),
            accepted=", ".join(sorted(fields)),
        )  # fmt: skip
    again, overwritten = _overwritten(source, hashed)
    # A sum does not depend on the order, so nothing has to be kept and sorted for it.
    content = f"{(content - overwritten) % _CONTENTS:032x}"
    return CheckedDocuments(source=source, documents=len(hashed) - again, repeated=again, content=content)


def read_documents(source: DocumentSource) -> Iterator[Document]:
    """The documents of a file that `read_checked_documents` has seen, in their order."""
    problems = _Problems()
    for document, _ in _read(source, problems):
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
    is_whole = isinstance(value, Numeral) and value.is_whole
    if isinstance(value, bool) or value == "" or not (is_whole or isinstance(value, (str, int))):
        raise ValueError(f"{id_field} is {shortened(value)}, which cannot be an id")
    id_ = repr(value) if is_whole else str(value)
    if len(id_.encode()) > MOST_ID_BYTES:
        raise ValueError(f"{id_field} is longer than {MOST_ID_BYTES} bytes")
    return id_


def _digest(id_: str, body: dict[str, Any]) -> int:
    """A number of 128 bits for a document and its id."""
    row = orjson.dumps(id_) + canonical(body)
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
            last[document.id] = _digest(document.id, document.body)
    return again, digests


def _read(source: DocumentSource, problems: _Problems) -> Iterator[tuple[Document, dict[str, Any]]]:
    """The documents that can be used, with their values; the others are counted in `problems`."""
    for number, (place, text) in enumerate(islice(_texts(source.path), source.limit)):
        try:
            body = exact(text)
            if not isinstance(body, dict):
                problems.add(f"{place}: not an object")
                continue
            fields: dict[str, Any] = body  # pyright: ignore[reportUnknownVariableType]
            if number == 0:
                _refuse_bulk_format(fields, source)
            id_ = document_id(fields, source.id_field)
            if source.id_field == ID:
                del fields[ID]
            _check_names(fields)
        except ValueError as error:
            problems.add(f"{place}: {error}")
        else:
            # Line ends within strings are escaped, so these stand between; to a bulk request they would end the document.
            own = written(fields) if source.id_field == ID else text.replace(b"\n", b" ")
            yield Document(place, id_, own), fields


def _check_names(body: dict[str, Any]) -> None:
    if METADATA.isdisjoint(body):
        return
    for name in sorted(METADATA.intersection(body)):
        raise ValueError(
            "its field _id is refused by Elasticsearch; --id-field _id takes it as the id and sends the document without it"
            if name == ID
            else f"its field {name} is one that Elasticsearch keeps for itself and refuses in a document"
        )


def _refuse_bulk_format(body: dict[str, Any], source: DocumentSource) -> None:
    """Refuse a file that begins with an action line of the `_bulk` API, which would be stored as a document."""
    ((action, fields), *more) = body.items() if body else (("", None),)
    if not more and action in _ACTIONS and isinstance(fields, dict) and _ACTION_FIELDS.issuperset(fields):
        raise InvalidInput(
            f"This file is in the format of the _bulk API: its first line is the action {shortened(body)}, not a document",
            source=str(source.path),
            accepted="documents alone, one JSON object per line",
            remedy="Leave the action lines out (`sed -n 'n;p' FILE` keeps every second line), and name the field with the ids "
            "as --id-field.",
        )


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    if is_array(path):
        for number, line, text in elements(path):
            yield f"element {number:,} (line {line:,})", text
    else:
        for number, text in filled_lines(path):
            yield f"line {number}", text


def _has(body: dict[str, Any], path: str) -> bool:
    """Whether a document has a field at a path, whose dots may stand for objects or be part of a name."""
    return any(
        path == name
        or (isinstance(value, dict) and path.startswith(f"{name}.") and _has(value, path[len(name) + 1 :]))
        for name, value in body.items()
    )


def _paths(body: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in body.items():
        path = prefix + name
        if len(path) > _LONGEST_PATH:
            continue
        yield path
        if isinstance(value, dict):
            yield from _paths(value, f"{path}.")  # pyright: ignore[reportUnknownArgumentType]
