"""Data objects in JSON lines, as import files have them: `id`, `data`, and `vectors` or, for the vector field alone, `embedding`.

    {"id": "heat", "data": {"year": 1995}, "embedding": [0.1, 0.9]}
    {"id": "heat", "data": {"year": 1995}, "vectors": {"embedding": {"dense": {"values": [0.1, 0.9]}}}}

Every line is checked before the first is sent, and the file is read again for that: it is never in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.json_lines import BadLine, count_rows, id_of, json_objects, vector_of
from tasks.steps import step
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.collections import CollectionState
from tasks.vertex_collections.ids import data_object_id
from tasks.vertex_collections.loading import DataObject, upsert
from tasks.waiting import Deadline

_FIELDS = ("id", "data", "vectors", "embedding")


@step("validate {path}")
def read_data_object_file(path: Path, collection: CollectionState) -> int:
    """Check every line of a file. Returns how many data objects it has.

    Raises:
        BadLine: a line does not fit, or repeats the id of an earlier one.
        InvalidInput: the file cannot be read, or has none.
    """
    return count_rows(
        path,
        lambda: ((number, found.id) for number, found in _numbered(path, collection)),
        noun="data objects",
    )


@step("upsert data objects into collection {collection.name}")
def apply_data_object_file(
    settings: VertexSettings, collection: CollectionState, path: Path, total: int, deadline: Deadline
) -> int:
    """Create or replace the data objects of a file that was checked. Returns how many were sent.

    Raises:
        DeadlinePassed: with how far it came; a second run begins at the first, which does no harm.
    """
    data_objects = (found for _, found in _numbered(path, collection))
    return upsert(settings, collection.name, data_objects, total, deadline)


def _numbered(path: Path, collection: CollectionState) -> Iterator[tuple[int, DataObject]]:
    for number, given in json_objects(path):
        yield number, _data_object(path, number, given, collection)


def _data_object(path: Path, number: int, found: dict[str, Any], collection: CollectionState) -> DataObject:
    for name in found:
        if name not in _FIELDS:
            raise BadLine(path, number, f"A data object has no field {name}", accepted=", ".join(_FIELDS))
    id_ = id_of(path, number, found.get("id"))
    data = found.get("data") or {}
    if not isinstance(data, dict):
        raise BadLine(path, number, "The data is no JSON object", value=data)
    fields: dict[str, Any] = data
    if unknown := [name for name in fields if name not in collection.data_fields]:
        accepted = ", ".join(collection.data_fields) or "none"
        raise BadLine(
            path, number, "The collection has no such data field", value=unknown[0], accepted=accepted
        )
    values = _vector(path, number, found, collection)
    vectors = {collection.vector_field: {"dense": {"values": values}}} if values else {}
    return DataObject(data_object_id(id_, row=number, source=str(path)), fields, vectors)


def _vector(path: Path, number: int, found: dict[str, Any], collection: CollectionState) -> list[float]:
    """The values of the vector field; empty if the model of the collection is to make them."""
    field, given = collection.vector_field, found.get("embedding")
    if "vectors" in found:
        vectors = found["vectors"]
        if given is not None or not isinstance(vectors, dict) or set(vectors) - {field}:
            raise BadLine(
                path, number, "These are no vectors of the collection", value=vectors, accepted=field
            )
        given = vectors.get(field)  # pyright: ignore[reportUnknownMemberType]
        given = given.get("dense", given) if isinstance(given, dict) else given
        given = given.get("values") if isinstance(given, dict) else given
    if given is None and collection.model:
        return []
    return vector_of(path, number, given, field=field, dimensions=collection.dimensions)
