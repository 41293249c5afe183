"""What a document holds for a semantic_text field: its chunks with their embeddings, in either format of `_source`.

The newer one keeps the text in the field and the embeddings in `_inference_fields`, by the field that each text comes from; the
legacy one keeps an object of both in the field (SemanticTextField.java). Which model is asked is decided in the inference room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS, Rows
from sandbox.elastic.documents.source_values import at


@dataclass(frozen=True)
class Chunk:
    """One stretch of a text."""

    text: str
    embedding: Any
    """Token weights, or a list of numbers."""


def embedded(document: Mapping[str, Any]) -> Iterator[tuple[str, Rows, dict[str, Any]]]:
    """The fields of a document in the newer format: path, the embeddings of its chunks, and the settings of the model."""
    for path, stored in (document.get(INFERENCE_FIELDS) or {}).items():
        if not stored:
            continue
        inference = stored["inference"]
        found = [chunk["embeddings"] for each in inference["chunks"].values() for chunk in each]
        if found:
            yield path, _rows(found), inference["model_settings"]


def in_object(stored: Mapping[str, Any]) -> tuple[Rows, dict[str, Any] | None]:
    """The embeddings in an object of the legacy format, which is valid, and the settings of the model."""
    inference = stored["inference"]
    return _rows([chunk["embeddings"] for chunk in inference["chunks"]]), inference["model_settings"]


def problem_of(stored: Mapping[str, Any]) -> str:
    """Why a value is no object of the legacy format; empty if it is one."""
    inference = stored.get("inference")
    if not isinstance(inference, Mapping):
        return "Required [inference]"
    missing = [name for name in ("inference_id", "model_settings", "chunks") if name not in inference]
    if missing:
        return f"Required [{', '.join(missing)}]"
    chunks = inference["chunks"]
    if not isinstance(chunks, list) or not all(isinstance(each, Mapping) for each in chunks):
        return "[inference] failed to parse field [chunks]"
    if any(not isinstance(each.get("text"), str) for each in chunks):
        return "Missing chunk text"
    if any(not isinstance(each.get("embeddings"), Mapping | list) for each in chunks):
        return "Required [embeddings]"
    if chunks and not inference["model_settings"]:
        return "[model_settings] must be set when chunks are provided"
    return ""


def chunks(document: Mapping[str, Any], path: str) -> Iterator[Chunk]:
    """The chunks of a field in their order, with their texts."""
    for own in at(document, path.split(".")):
        if isinstance(own, Mapping):
            yield from (Chunk(each["text"], each["embeddings"]) for each in own["inference"]["chunks"])
    stored = (document.get(INFERENCE_FIELDS) or {}).get(path) or {"inference": {"chunks": {}}}
    for name, parts in stored["inference"]["chunks"].items():
        text = " ".join(str(each) for each in at(document, name.split(".")))
        yield from (
            Chunk(text[each["start_offset"] : each["end_offset"]], each["embeddings"]) for each in parts
        )


def own_texts(values: Iterator[Any]) -> Iterator[Any]:
    """The texts among the values of a field: of an object of the legacy format those that it was made from."""
    for each in values:
        yield from at(each, ["text"]) if isinstance(each, Mapping) else [each]


def _rows(found: list[Any]) -> Rows:
    return Rows([np.array(each, np.float32) if isinstance(each, list) else each for each in found])
