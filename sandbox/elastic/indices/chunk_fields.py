"""The nested objects in which semantic_text fields keep their chunks: `F.inference.chunks`. No mapping shows them, but queries reach them.

From `createInferenceField` in SemanticTextFieldMapper.java.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BELOW = ".inference.chunks"
"""After the path of a semantic_text field, the path of its chunks."""


def expanded(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties in which each semantic_text field is the object that it keeps its chunks in."""
    return {name: _expanded(definition) for name, definition in properties.items()}


def _expanded(definition: Mapping[str, Any]) -> dict[str, Any]:
    if definition.get("type") == "semantic_text":
        chunks = {"type": "nested", "properties": _of_chunks(definition.get("model_settings"))}
        return {"properties": {"inference": {"properties": {"chunks": chunks}}}}
    below = {"properties": expanded(definition["properties"])} if "properties" in definition else {}
    return {**definition, **below}


def _of_chunks(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The embeddings of a known model, and the text of each chunk, which the legacy format has."""
    text = {"type": "keyword", "index": False, "doc_values": False}
    if settings is None:
        return {"text": text}
    if settings["task_type"] == "sparse_embedding":
        return {"embeddings": {"type": "sparse_vector"}, "text": text}
    vector = {
        "type": "dense_vector",
        "dims": settings["dimensions"],
        "similarity": settings["similarity"],
        "element_type": settings["element_type"],
    }
    return {"embeddings": vector, "text": text}
