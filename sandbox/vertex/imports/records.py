"""A record of an import file, whatever the file's format: checked as documented, and turned into a datapoint.

Where the documentation leaves a choice, records are taken as people write them: numbers as strings, whole numbers as
ids, unknown keys. The numbers of the error types are RecordErrorType's; their texts are sandbox wording.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.cloud import aiplatform_v1 as v1
from numpy.typing import NDArray

from sandbox.vertex.data.datapoints import IndexDatapoint, sparse_problem

ErrorType = v1.NearestNeighborSearchOperationMetadata.RecordError.RecordErrorType
_NUMBER_KINDS = ("value_int", "value_float", "value_double")
_INT64 = 2**63


@dataclass
class RecordError(Exception):
    """What is wrong with a record."""

    type: ErrorType
    text: str
    id: str = ""


def datapoint(record: dict[str, Any], dimensions: int) -> Any:
    """The datapoint (a raw message) that a record describes.

    Raises:
        RecordError: what is wrong, with the id if it is known.
    """
    name = _name(record.get("id"))
    try:
        return _datapoint(name, record, dimensions)
    except RecordError as error:
        error.id = name
        raise


def _name(given: Any) -> str:
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if not isinstance(given, str) or not given:
        raise RecordError(ErrorType.INVALID_EMBEDDING_ID, "id must be a non-empty string or a whole number.")
    return given


def _datapoint(name: str, record: dict[str, Any], dimensions: int) -> Any:
    made = IndexDatapoint(datapoint_id=name)
    if record.get("sparse_embedding"):
        _fill_sparse(made.sparse_embedding, record["sparse_embedding"])
    if not made.sparse_embedding.values:
        made.ClearField("sparse_embedding")
    if record.get("embedding") or not made.sparse_embedding.values:
        _fill_vector(made, record.get("embedding"), dimensions)
    if record.get("restricts"):
        _fill_restricts(made, record["restricts"])
    if record.get("numeric_restricts"):
        _fill_numbers(made, record["numeric_restricts"])
    tag = record.get("crowding_tag")
    if tag is not None:
        if not isinstance(tag, str):
            raise RecordError(ErrorType.PARSING_ERROR, "crowding_tag must be a string.")
        made.crowding_tag.crowding_attribute = tag
    if record.get("embedding_metadata"):
        _fill_metadata(made, record["embedding_metadata"])
    return made


def _fill_vector(made: Any, embedding: Any, dimensions: int) -> None:
    if not isinstance(embedding, list):
        raise RecordError(ErrorType.INVALID_EMBEDDING, "embedding must be a list of numbers.")
    if len(embedding) != dimensions:
        raise RecordError(
            ErrorType.EMBEDDING_SIZE_MISMATCH,
            f"embedding has {len(embedding)} numbers, the index {dimensions}.",
        )
    made.feature_vector.extend(_float32(embedding, ErrorType.INVALID_EMBEDDING, "embedding"))


def _fill_sparse(made: Any, sparse: Any) -> None:
    if not isinstance(sparse, dict):
        raise RecordError(ErrorType.INVALID_SPARSE_EMBEDDING, "sparse_embedding must be an object.")
    values, dimensions = sparse.get("values") or [], sparse.get("dimensions") or []
    made.values.extend(_float32(values, ErrorType.INVALID_SPARSE_EMBEDDING, "sparse_embedding.values"))
    try:
        made.dimensions.extend(_whole(each) for each in dimensions)
    except (TypeError, ValueError):
        raise RecordError(
            ErrorType.INVALID_SPARSE_DIMENSIONS,
            "sparse_embedding.dimensions must be a list of whole numbers of 64 bits.",
        ) from None
    if problem := sparse_problem(made.dimensions, made.values):
        raise RecordError(ErrorType.INVALID_SPARSE_EMBEDDING, problem)


def _float32(numbers: Any, kind: ErrorType, what: str) -> list[float]:
    """The numbers, rounded to float32: the largest float32 may be written longer than it is."""
    try:
        rounded = _rounded(numbers) if isinstance(numbers, list) and bool not in map(type, numbers) else None
    except (TypeError, ValueError, OverflowError):
        rounded = None
    if rounded is None or rounded.ndim != 1 or not np.isfinite(rounded).all():
        raise RecordError(kind, f"{what} holds something else than finite float32 numbers.")
    return rounded.tolist()


@np.errstate(over="ignore")  # what is too large becomes infinite, without a warning
def _rounded(numbers: list[Any]) -> NDArray[np.float32]:
    return np.array(numbers, "f4")


def _fill_restricts(made: Any, restricts: Any) -> None:
    seen: set[str] = set()
    for restrict in _objects(restricts, "restricts"):
        entry = made.restricts.add(namespace=_namespace(restrict, seen))
        for key, tokens in (("allow", entry.allow_list), ("deny", entry.deny_list)):
            words = restrict.get(key) or []
            if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
                raise RecordError(
                    ErrorType.INVALID_TOKEN_VALUE, f"{key} must be a list of non-empty strings."
                )
            tokens.extend(words)


def _fill_numbers(made: Any, numbers: Any) -> None:
    seen: set[str] = set()
    for number in _objects(numbers, "numeric_restricts"):
        entry = made.numeric_restricts.add(namespace=_namespace(number, seen))
        if number.get("op") is not None:
            raise RecordError(ErrorType.OP_IN_DATAPOINT, "op belongs into queries only.")
        kind, value = _value(number)
        setattr(entry, kind, value)


def _value(number: dict[str, Any]) -> tuple[str, float]:
    """The kind and the value of a number; LangChain writes a 0 for each kind that is not meant."""
    given = {kind: _number(kind, number[kind]) for kind in _NUMBER_KINDS if number.get(kind) is not None}
    if not given:
        raise RecordError(ErrorType.INVALID_NUMERIC_VALUE, f"one of {', '.join(_NUMBER_KINDS)} is required.")
    meant = {kind: value for kind, value in given.items() if value} or dict(list(given.items())[:1])
    if len(meant) > 1:
        raise RecordError(ErrorType.MULTIPLE_VALUES, f"a numeric restrict has {' and '.join(meant)}.")
    return meant.popitem()


def _number(kind: str, value: Any) -> float:
    number = float("nan")
    with suppress(TypeError, ValueError, OverflowError):
        number = (
            _whole(value) if kind == "value_int" else _real(value, "f4" if kind == "value_float" else "f8")
        )
    if not np.isfinite(number):
        raise RecordError(ErrorType.INVALID_NUMERIC_VALUE, f"{value!r} is not a {kind}.")
    return number


def _real(value: Any, precision: str) -> float:
    if isinstance(value, bool):
        raise TypeError
    with np.errstate(over="ignore"):
        return float(np.array(float(value)).astype(precision))


def _whole(value: Any) -> int:
    """A whole number of 64 bits, also written as a string or as pandas writes it beside missing ones: 3.0."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    number = int(value)
    if not -_INT64 <= number < _INT64:
        raise ValueError
    return number


def _fill_metadata(made: Any, metadata: Any) -> None:
    try:
        made.embedding_metadata.update(metadata)
    except (AttributeError, TypeError, ValueError, RecursionError):
        raise RecordError(
            ErrorType.PARSING_ERROR, "embedding_metadata must be an object of JSON values."
        ) from None


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
