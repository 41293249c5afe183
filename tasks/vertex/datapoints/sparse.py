"""Sparse vectors: values and the dimensions that they are at, as import files and messages write them.

    {"values": [0.1, -0.2], "dimensions": [3, 70]}        as JSON
    3:0.1,70:-0.2                                         as compact text, each dimension:value, as in CSV imports

Google's own example of an import file names a dimension twice ("Input data format and structure"), so a repeated one is
no error here: it counts with the sum of its values. No page limits how many values a vector has, nor how high a dimension is,
other than the int64 of the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.vertex.datapoints.filters import INT64_MAX
from tasks.vertex.datapoints.vectors import TOLERANCE, Vector, VectorModel, parsed

ACCEPTED = 'dimension:value,dimension:value, such as 3:0.1,70:-0.2, or JSON: {"values": [0.1, -0.2], "dimensions": [3, 70]}'
Places: TypeAlias = NDArray[np.int64]

_ITEM = re.compile(r"\s*(?P<dimension>\d+)\s*:\s*(?P<value>[^\s:,]+)\s*")


def places(value: object) -> Places:
    """Dimensions as int64, read-only.

    Raises:
        ValueError: not whole numbers from 0 to 2**63 - 1.
    """
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(given, list | tuple) or not {int}.issuperset(map(type, given)):  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError("dimensions are a list of whole numbers")
    numbers: list[int] = list(given)  # pyright: ignore[reportUnknownArgumentType]
    bad = next((number for number in numbers if not 0 <= number <= INT64_MAX), None)
    if bad is not None:
        raise ValueError(f"a dimension is from 0 to {INT64_MAX}, not {bad}")
    found = np.array(numbers, dtype=np.int64)
    found.setflags(write=False)
    return found


Dimensions = Annotated[
    Places,
    BeforeValidator(places),
    PlainSerializer(lambda dimensions: dimensions.tolist(), return_type=list[int]),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 0}}),
]


class SparseVector(VectorModel, frozen=True):
    """What is not zero of a vector. At least one value; the order does not matter."""

    values: Vector
    """Float32, finite."""
    dimensions: Dimensions
    """As many int64, not negative."""

    @model_validator(mode="after")
    def _has_as_many_of_both(self) -> SparseVector:
        if self.values.size != self.dimensions.size:
            raise ValueError(
                f"there are {self.values.size} values at {self.dimensions.size} dimensions, give as many of both"
            )
        return self

    def is_same(self, read: SparseVector) -> bool:
        """Whether what was read back is what was sent.

        Whether the service returns the values in the order in which they were sent, repeated dimensions apart and zeros at all
        is not documented, so neither counts as a difference.
        """
        if np.array_equal(self.dimensions, read.dimensions) and np.array_equal(self.values, read.values):
            return True
        (dimensions, values), (others, theirs) = self._summed(), read._summed()
        return np.array_equal(dimensions, others) and np.allclose(values, theirs, rtol=TOLERANCE, atol=0)

    def _summed(self) -> tuple[Places, NDArray[np.float64]]:
        """Each dimension once, ascending, with the sum of its values; those that are zero left out."""
        dimensions, at = np.unique(self.dimensions, return_inverse=True)
        sums = np.zeros(dimensions.size)
        np.add.at(sums, at, self.values)
        return dimensions[sums != 0], sums[sums != 0]


def none_if_empty(value: Any) -> Any:
    """None for an embedding without values and dimensions, which LangChain and the SDK write for none."""
    if not isinstance(value, Mapping) or set(value) != {"values", "dimensions"}:
        return value
    empty = all(isinstance(part, list | tuple | np.ndarray) and len(part) == 0 for part in value.values())
    return None if empty else value


OptionalSparse = Annotated[SparseVector | None, BeforeValidator(none_if_empty)]


def parse_sparse_vector(text: str) -> SparseVector:
    """A sparse vector from the command line, `3:0.1,70:-0.2` or JSON.

    Raises:
        InvalidInput: the text is neither.
    """
    if text.lstrip().startswith("{"):
        try:
            return parsed(SparseVector, rounded(text.encode(errors="surrogatepass")), what="sparse vector", source=text)  # fmt: skip
        except NotExact as error:
            raise InvalidInput(f"Not JSON ({error})", value=text, accepted=ACCEPTED) from error
    items = [_ITEM.fullmatch(item) for item in text.split(",")]
    try:
        pairs = [(int(item["dimension"]), float(item["value"])) for item in items if item]
    except ValueError:  # the value is no number, or the dimension has thousands of digits
        pairs = []
    if len(pairs) < len(items):
        raise InvalidInput("Not a sparse vector", value=text, accepted=ACCEPTED)
    fields = {"values": [value for _, value in pairs], "dimensions": [dimension for dimension, _ in pairs]}
    return parsed(SparseVector, fields, what="sparse vector", source=text)
