"""What a collection's schemas allow: the schemas themselves, and data objects against them.

The rules and their order are those of "Data objects" in the documentation of Vector Search 2.0.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import numpy as np
from google.protobuf import json_format
from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError

from sandbox.vertex import errors

ID = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""As the official package documents the ids of collections, indexes and data objects (RFC 1035)."""
_FIELD_NAME = re.compile(r"[\w-]+", re.ASCII)
_NO_FIELD = "its name must hold letters, digits, underscores and hyphens only"


def check_id(kind: str, given: str) -> None:
    """Refuse an id that is not one of RFC 1035."""
    if not ID.fullmatch(given):
        raise errors.COLLECTION_ID.refusal(kind=kind, id=given)


def check_collection(collection: Any) -> None:
    """Refuse schemas that are none."""
    for name, field in collection.vector_schema.items():
        if not _FIELD_NAME.fullmatch(name):
            _refuse_schema("vector_schema", name, _NO_FIELD)
        if field.WhichOneof("vector_type_config") is None:
            _refuse_schema("vector_schema", name, "it needs dense_vector or sparse_vector")
        if field.HasField("dense_vector") and field.dense_vector.dimensions < 1:
            _refuse_schema("vector_schema", name, "dimensions must be positive")
    schema = json_format.MessageToDict(collection.data_schema)
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        _refuse_schema("data_schema", error.json_path, error.message)
    for name in schema.get("properties", {}):
        if not _FIELD_NAME.fullmatch(name):
            _refuse_schema("data_schema", name, _NO_FIELD)


def check_changed(current: Any, changed: Any) -> None:
    """Refuse to change or remove a vector field: only new ones may be added."""
    for name, field in current.vector_schema.items():
        if name not in changed.vector_schema or changed.vector_schema[name] != field:
            _refuse_schema("vector_schema", name, "it exists, and can neither be changed nor removed")


def check_data_object(message: Any, collection: Any) -> None:
    """Refuse a data object that does not fit its collection.

    Raises:
        Refusal: INVALID_ARGUMENT; UNIMPLEMENTED if a vector would have to be made by an embedding model.
    """
    check_id("DataObject", message.data_object_id)
    if collection.data_schema.fields:
        _check_data(message, json_format.MessageToDict(collection.data_schema))
    for name, vector in message.vectors.items():
        if name not in collection.vector_schema:
            known = ", ".join(sorted(collection.vector_schema)) or "none"
            _refuse(message, f"the vector field {name!r} is not in the vector schema; it has {known}")
        _check_vector(message, name, vector, collection.vector_schema[name])
    for name, field in collection.vector_schema.items():
        if name not in message.vectors and field.dense_vector.HasField("vertex_embedding_config"):
            raise errors.NOT_IMITATED.refusal(
                what=f"the embedding model of the vector field {name!r}, which DataObject "
                f"{message.data_object_id!r} leaves to it"
            )


def vector_problem(vector: Any, kind: str, field: Any) -> str:
    """What is wrong with a dense or sparse vector for a field of the vector schema; empty if nothing is."""
    wanted = (field.WhichOneof("vector_type_config") or "").removesuffix("_vector")
    if kind != wanted:
        return f"it is {kind or 'empty'}, the vector schema says {wanted}"
    if not np.isfinite(vector.values).all():
        return "its values must be finite"
    if kind == "dense":
        given, expected = len(vector.values), field.dense_vector.dimensions
        return "" if given == expected else f"it has {given} dimensions, the vector schema says {expected}"
    if len(vector.values) != len(vector.indices):
        return f"it has {len(vector.values)} values and {len(vector.indices)} indices"
    if len(set(vector.indices)) != len(vector.indices) or any(index < 0 for index in vector.indices):
        return "its indices must be unique and not negative"
    return ""


def _check_data(message: Any, schema: dict[str, Any]) -> None:
    for error in Draft7Validator(schema).iter_errors(_whole(json_format.MessageToDict(message.data))):
        _refuse(message, f"data does not fit the data schema at {error.json_path}: {error.message}")


def _check_vector(message: Any, name: str, vector: Any, field: Any) -> None:
    kind = vector.WhichOneof("vector_type") or ""
    problem = vector_problem(getattr(vector, kind) if kind else vector.dense, kind, field)
    if problem:
        _refuse(message, f"vector {name!r}: {problem}")


def _whole(data: Any) -> Any:
    """The same with 2 for 2.0: a Struct keeps every number as a double, and a schema may ask for an integer."""
    if isinstance(data, dict):
        return {name: _whole(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_whole(value) for value in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data


def _refuse(message: Any, problem: str) -> NoReturn:
    raise errors.INVALID_DATA_OBJECT.refusal(id=message.data_object_id, problem=problem)


def _refuse_schema(schema: str, field: str, problem: str) -> NoReturn:
    raise errors.INVALID_SCHEMA.refusal(schema=schema, field=field, problem=problem)
