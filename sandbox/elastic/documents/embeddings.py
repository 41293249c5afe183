"""The embeddings of a document: the vector of a dense_vector field; those of semantic_text are read in semantic_values.py."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic.documents import errors as documents_errors

INFERENCE_FIELDS = "_inference_fields"
"""Where a document holds what a model answered for its semantic_text fields; `_source` shows it only when asked."""
_PREVIEW = 5
_UNIT = 1e-4
"""How far the square of a unit vector's length may be from 1 (DenseVectorFieldMapper.java)."""


@dataclass(frozen=True)
class Rows:
    """The embeddings of one document in one field: one, or one for each chunk."""

    rows: list[Any]
    """Token weights, or vectors as float32 arrays."""


def vector(path: str, definition: Mapping[str, Any], value: Any, id_: str) -> Rows:
    """The vector of a dense_vector field.

    Raises:
        Refusal: it is no vector of the field's element type, dimensions and similarity.
    """
    if not isinstance(value, list):
        raise documents_errors.NOT_A_VECTOR.refusal(
            path=path, problem="only arrays of numbers are supported by the sandbox"
        )
    kind = definition.get("element_type", "float")
    for place, number in enumerate(value):
        if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
            raise documents_errors.NOT_A_VECTOR.refusal(
                path=path, problem=f"[{number}] at dim [{place}] is no number"
            )
        if kind == "byte" and (problem := _no_byte(float(number), place)):
            raise documents_errors.VECTOR.refusal(problem=problem, preview=_preview(value))
    dims = definition.get("dims", len(value))
    if len(value) != dims or not value:
        raise documents_errors.DIMENSIONS.refusal(path=path, id=id_, found=len(value), dims=dims)
    row = np.array(value, np.float32)
    _check_length(definition, row)
    return Rows([row])


def _no_byte(number: float, place: int) -> str:
    """Why a number is no byte; empty if it is one."""
    begin = "element_type [byte] vectors only support"
    if number != int(number):
        return f"{begin} non-decimal values but found decimal value [{number}] at dim [{place}];"
    if not -128 <= number <= 127:
        return f"{begin} integers between [-128, 127] but found [{number}] at dim [{place}];"
    return ""


def _preview(row: Iterable[float]) -> str:
    """The first numbers of a vector."""
    numbers = [str(float(each)) for each in row]
    return ", ".join(numbers[:_PREVIEW] + (["..."] if len(numbers) >= _PREVIEW else []))


def _check_length(definition: Mapping[str, Any], row: np.ndarray[Any, Any]) -> None:
    similarity = definition.get("similarity", "cosine")
    if definition.get("index") is False:
        return
    squared = float(np.dot(row.astype(np.float64), row.astype(np.float64)))
    if similarity == "cosine" and squared == 0:
        problem = "The [cosine] similarity does not support vectors with zero magnitude."
        raise documents_errors.VECTOR.refusal(problem=problem, preview=_preview(row))
    if similarity == "dot_product" and definition.get("element_type") != "byte" and abs(squared - 1) > _UNIT:
        problem = "The [dot_product] similarity can only be used with unit-length vectors."
        raise documents_errors.VECTOR.refusal(problem=problem, preview=_preview(row))
