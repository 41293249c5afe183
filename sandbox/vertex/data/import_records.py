"""One line of an import file: checked as the documentation says, and turned into a datapoint.

The numbers of the error types are RecordErrorType's; their texts are sandbox wording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from google.cloud import aiplatform_v1 as v1

from sandbox.vertex.data.datapoints import IndexDatapoint, sparse_problem

ErrorType = v1.NearestNeighborSearchOperationMetadata.RecordError.RecordErrorType
_NUMBERS = {"value_int": int, "value_float": (int, float), "value_double": (int, float)}
_INT64 = 2**63
_FLOAT32_LARGEST = float(np.finfo("f4").max)


@dataclass
class RecordError(Exception):
    """What is wrong with a record."""

    type: ErrorType
    text: str
    id: str = ""


def parse(line: bytes, dimensions: int) -> Any:
    """The datapoint (a raw message) that a line of JSON describes.

    Raises:
        RecordError: what is wrong, with the id if it is known.
    """
    if not line.strip():
        raise RecordError(ErrorType.EMPTY_LINE, "The line is empty.")
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        kind = ErrorType.INVALID_ENCODING if not _is_utf8(line) else ErrorType.INVALID_JSON_SYNTAX
        raise RecordError(kind, f"The line is not valid JSON: {error}") from None
    if not isinstance(record, dict):
        raise RecordError(ErrorType.INVALID_JSON_SYNTAX, "The line is not a JSON object.")
    name = record.get("id")
    if not isinstance(name, str) or not name:
        raise RecordError(ErrorType.INVALID_EMBEDDING_ID, "id must be a non-empty string.")
    try:
        return _datapoint(name, record, dimensions)
    except RecordError as error:
        error.id = name
        raise


def _datapoint(name: str, record: dict[str, Any], dimensions: int) -> Any:
    datapoint = IndexDatapoint(datapoint_id=name)
    if record.get("sparse_embedding"):
        _fill_sparse(datapoint, record["sparse_embedding"])
    if record.get("embedding") or not datapoint.sparse_embedding.values:
        _fill_vector(datapoint, record.get("embedding"), dimensions)
    if record.get("restricts"):
        _fill_restricts(datapoint, record["restricts"])
    if record.get("numeric_restricts"):
        _fill_numbers(datapoint, record["numeric_restricts"])
    tag = record.get("crowding_tag")
    if tag is not None:
        if not isinstance(tag, str):
            raise RecordError(ErrorType.PARSING_ERROR, "crowding_tag must be a string.")
        datapoint.crowding_tag.crowding_attribute = tag
    return datapoint


def _fill_vector(datapoint: Any, embedding: Any, dimensions: int) -> None:
    if not isinstance(embedding, list):
        raise RecordError(ErrorType.INVALID_EMBEDDING, "embedding must be a list of numbers.")
    if len(embedding) != dimensions:
        raise RecordError(
            ErrorType.EMBEDDING_SIZE_MISMATCH,
            f"embedding has {len(embedding)} numbers, the index {dimensions}.",
        )
    try:
        datapoint.feature_vector.extend(embedding)
        usable = math.isfinite(math.fsum(embedding)) and bool not in map(type, embedding)
    except (TypeError, ValueError, OverflowError):
        usable = False
    if not usable or max(embedding) > _FLOAT32_LARGEST or min(embedding) < -_FLOAT32_LARGEST:
        raise RecordError(
            ErrorType.INVALID_EMBEDDING, "embedding holds something else than finite float32 numbers."
        )


def _fill_sparse(datapoint: Any, sparse: Any) -> None:
    if not isinstance(sparse, dict):
        raise RecordError(ErrorType.INVALID_SPARSE_EMBEDDING, "sparse_embedding must be an object.")
    values, dimensions = sparse.get("values") or [], sparse.get("dimensions") or []
    try:
        datapoint.sparse_embedding.values.extend(values)
    except (TypeError, ValueError):
        raise RecordError(
            ErrorType.INVALID_SPARSE_EMBEDDING, "sparse_embedding.values must be a list of numbers."
        ) from None
    try:
        datapoint.sparse_embedding.dimensions.extend(dimensions)
    except (TypeError, ValueError):
        raise RecordError(
            ErrorType.INVALID_SPARSE_DIMENSIONS,
            "sparse_embedding.dimensions must be a list of whole numbers.",
        ) from None
    if problem := sparse_problem(dimensions, datapoint.sparse_embedding.values):
        raise RecordError(ErrorType.INVALID_SPARSE_EMBEDDING, problem)
    if not values:
        datapoint.ClearField("sparse_embedding")


def _fill_restricts(datapoint: Any, restricts: Any) -> None:
    seen: set[str] = set()
    for restrict in _objects(restricts, "restricts"):
        entry = datapoint.restricts.add(namespace=_namespace(restrict, seen))
        for key, tokens in (("allow", entry.allow_list), ("deny", entry.deny_list)):
            words = restrict.get(key) or []
            if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
                raise RecordError(
                    ErrorType.INVALID_TOKEN_VALUE, f"{key} must be a list of non-empty strings."
                )
            tokens.extend(words)


def _fill_numbers(datapoint: Any, numbers: Any) -> None:
    seen: set[str] = set()
    for number in _objects(numbers, "numeric_restricts"):
        entry = datapoint.numeric_restricts.add(namespace=_namespace(number, seen))
        if "op" in number:
            raise RecordError(ErrorType.OP_IN_DATAPOINT, "op belongs into queries only.")
        given = [key for key in _NUMBERS if number.get(key) is not None]
        if len(given) > 1:
            raise RecordError(ErrorType.MULTIPLE_VALUES, f"a numeric restrict has {' and '.join(given)}.")
        if not given:
            raise RecordError(ErrorType.INVALID_NUMERIC_VALUE, f"one of {', '.join(_NUMBERS)} is required.")
        value = number[given[0]]
        fits = isinstance(value, _NUMBERS[given[0]]) and not isinstance(value, bool)
        if not fits or (given[0] == "value_int" and not -_INT64 <= value < _INT64):
            raise RecordError(ErrorType.INVALID_NUMERIC_VALUE, f"{value!r} is not a {given[0]}.")
        setattr(entry, given[0], value)


def _objects(items: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise RecordError(ErrorType.PARSING_ERROR, f"{what} must be a list of objects.")
    return items


def _namespace(restrict: dict[str, Any], seen: set[str]) -> str:
    namespace = restrict.get("namespace")
    if not isinstance(namespace, str) or not namespace:
        raise RecordError(ErrorType.NAMESPACE_MISSING, "a restrict has no namespace.")
    if namespace in seen:
        raise RecordError(ErrorType.DUPLICATE_NAMESPACE, f"the namespace {namespace!r} occurs twice.")
    seen.add(namespace)
    return namespace


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
