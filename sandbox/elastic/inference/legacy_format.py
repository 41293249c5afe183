"""Which semantic_text fields of a write must be embedded in an index with the legacy format, where an object takes the place of the text.

An object is taken as it is: it brings its embeddings along, as in a reindex. From ShardBulkInferenceActionFilter.java and, for an
update that is no part of a bulk, `deleteInferenceResults` of TransportUpdateAction.java.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.documents.updates import merged
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference.semantic_texts import put_at, value_at

Fields = Sequence[tuple[Field, list[str]]]
"""semantic_text fields, each with the paths that its texts come from."""


@dataclass(frozen=True)
class Wanted:
    """A field to embed."""

    document: dict[str, Any]
    """Where the object goes."""
    field: Field
    values: dict[str, Any]
    """By the path that each comes from."""
    loses_text: bool = False
    """Whether an update takes the field's own text away, so that the object is made of other fields alone."""


def wanted(
    operation: Operation, fields: Fields, stored: Callable[[], dict[str, Any] | None]
) -> Iterator[Wanted]:
    """The fields to embed of a write, whose `source` is the caller's own copy.

    Args:
        operation: an index, a create or an update.
        fields: of its index.
        stored: reads the document that an update changes; None if there is none.

    Raises:
        Refusal: an update of a bulk does not have all fields that a text is made of.
    """
    if operation.action != "update":
        yield from _of(operation.source, operation.source, fields)
        return
    parts = {name: part for name in ("doc", "upsert") if isinstance(part := operation.source.get(name), dict)}
    operation.source |= {name: dict(part) for name, part in parts.items()}
    there = stored() if operation.is_single and "doc" in parts else None
    for name in parts:
        part = operation.source[name]
        if name == "doc" and there is not None:
            for each in _of(part, _read_again(there, part, fields), fields):
                yield replace(each, loses_text=each.field.path not in each.values)
        elif name == "doc" and not operation.is_single:
            yield from _of(part, part, fields, needs_all=True)
        elif name == "doc" or there is None:
            yield from _of(part, part, fields)


def _of(
    target: dict[str, Any], document: Mapping[str, Any], fields: Fields, *, needs_all: bool = False
) -> Iterator[Wanted]:
    if document.get(INFERENCE_FIELDS):
        raise inference_errors.NEWER_EMBEDDINGS.refusal()
    for field, paths in fields:
        _, own = value_at(document, field.path.split("."))
        if isinstance(own, Mapping) or (own is None and len(paths) == 1):
            continue
        values = {path: value_at(document, path.split("."))[1] for path in paths}
        missing = next((path for path, value in values.items() if value is None), None)
        if missing is not None and needs_all:
            raise inference_errors.TEXT_MISSING.refusal(source=missing, field=field.path)
        if given := {path: value for path, value in values.items() if value is not None}:
            yield Wanted(target, field, given)


def _read_again(there: dict[str, Any], change: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The document after an update, with the plain text of fields whose other sources changed."""
    found: dict[str, Any] = merged(there, change)
    for field, paths in fields:
        path = field.path.split(".")
        changed = any(
            value_at(change, each.split("."))[1] is not None for each in paths if each != field.path
        )
        _, own = value_at(found, path)
        if changed and isinstance(own, Mapping):
            put_at(found, path, own.get("text"))
    return found
