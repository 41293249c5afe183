"""Vectors in one form, float32, finite and read-only; and how values from outside are parsed."""

from __future__ import annotations

import reprlib
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from tasks.errors import InvalidInput

Floats: TypeAlias = NDArray[np.float32]
Model = TypeVar("Model", bound=BaseModel)

_NUMBERS = {int, float, np.float32, np.float64}
TOLERANCE = 1e-5
"""How far a normalized float32 may be off: a norm over a thousand dimensions loses a few of 24 bits."""


def floats(value: object) -> Floats:
    """One row of float32 from a list, tuple or array of numbers.

    Raises:
        ValueError: no numbers, not one row, empty, or not finite as float32.
    """
    # numpy would take True for 1, and asks every list of a deep nest.
    if isinstance(value, list | tuple) and not _NUMBERS.issuperset(map(type, value)):  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError("a vector is a list of numbers")
    given = np.asarray(value)
    if given.dtype.kind not in "fiu" or given.ndim != 1 or not given.size:
        raise ValueError("a vector is a list of numbers")
    with np.errstate(over="ignore"):
        vector = given.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(vector))
    if bad.size:
        raise ValueError(f"a vector has finite float32 numbers only, at position {bad[0]} is {given[bad[0]]}")
    vector.setflags(write=False)
    return vector


Vector = Annotated[
    Floats,
    BeforeValidator(floats),
    PlainSerializer(lambda vector: vector.tolist(), return_type=list[float]),
    WithJsonSchema({"type": "array", "items": {"type": "number"}}),
]
"""A field of a pydantic model: a JSON list outside, float32 inside."""


class VectorModel(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True):
    """Base of the models with vectors: numpy compares element by element, a value wants one answer."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.model_dump() == other.model_dump()  # pyright: ignore[reportAttributeAccessIssue]

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def is_same_vector(sent: Floats, read: Floats, *, normalised: bool) -> bool:
    """Whether what was read back is what was sent, bit for bit as float32.

    Args:
        sent: the vector as sent.
        read: the vector as read back.
        normalised: the index normalises (UNIT_L2_NORM). Whether it then returns the vector as sent or at unit length
            is not documented, so both count as the same.
    """
    if sent.shape != read.shape:
        return False
    if np.array_equal(sent, read):
        return True
    length = float(np.linalg.norm(sent.astype(np.float64)))
    return normalised and length > 0 and np.allclose(sent / length, read, rtol=0, atol=TOLERANCE)


def parsed(model: type[Model], value: Any, *, what: str, source: str = "", if_unknown: str = "") -> Model:
    """A model from a mapping that came from outside.

    Args:
        model: the type to parse into.
        value: the mapping.
        what: names it in the error: `datapoint`.
        source: where it came from: a file and line, a parameter.
        if_unknown: what to do about a field that the type does not have.

    Raises:
        InvalidInput: names the field, what is wrong with it and its value.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        shown = first["input"] if isinstance(first["input"], str) else reprlib.repr(first["input"])
        accepted = remedy = ""
        if first["type"] == "extra_forbidden":
            reason, accepted = f"there is no field {field}", _fields_at(model, first["loc"])
            remedy = if_unknown
        elif first["type"] == "missing":
            reason = f"the field {field} is missing"
        else:
            reason = f"{field}: " * bool(field) + first["msg"].removeprefix("Value error, ")
        raise InvalidInput(
            f"Not a valid {what}: {reason}",
            value=shown if len(shown) <= 100 else f"{shown[:100]}...",
            source=source,
            accepted=accepted,
            remedy=remedy,
        ) from error


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The fields, by their names outside, of the model that an error's location lies in."""
    for part in location[:-1]:
        if isinstance(part, str):
            inner = get_args(model.model_fields[part].annotation)
            model = next(kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel))
    aliases = ((name, field.validation_alias) for name, field in model.model_fields.items())
    return ", ".join(str(a.choices[0]) if isinstance(a, AliasChoices) else name for name, a in aliases)
