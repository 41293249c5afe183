"""Datapoints as values, in the format of import files.

{"id": "7", "embedding": [0.1, 0.2], "restricts": [{"namespace": "class", "allow": ["7"]}],
"numeric_restricts": [{"namespace": "price", "value_int": 3}], "crowding_tag": "a",
"sparse_embedding": {"values": [0.5, 0.1], "dimensions": [3, 70]}, "embedding_metadata": {"title": "red shoe"}}

A datapoint has a dense vector (`embedding`), a sparse one, or both.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import AliasChoices, Field, field_validator

from tasks.vertex.datapoints.filters import NumericRestrict, Restrict
from tasks.vertex.datapoints.sparse import OptionalSparse
from tasks.vertex.datapoints.vectors import Vector, VectorModel

Named = TypeVar("Named", tuple[Restrict, ...], tuple[NumericRestrict, ...])


class Datapoint(VectorModel, frozen=True):
    """One datapoint, as sent or as read back."""

    id: str = Field(min_length=1)
    vector: Vector | None = Field(default=None, validation_alias=AliasChoices("embedding", "vector"))
    """The dense vector. An upsert without it deletes the stored one."""
    sparse_embedding: OptionalSparse = None
    """The sparse vector. Both are None only where restricts alone are changed."""
    restricts: tuple[Restrict, ...] = ()
    numeric_restricts: tuple[NumericRestrict, ...] = ()
    crowding_tag: str | None = None
    embedding_metadata: dict[str, Any] | None = None
    """Any JSON object; it is stored and returned, and not searched."""

    @field_validator("restricts", "numeric_restricts")
    @classmethod
    def _has_each_namespace_once(cls, restricts: Named) -> Named:
        names = [restrict.namespace for restrict in restricts]
        if len(set(names)) != len(names):
            raise ValueError("a datapoint has each namespace once")
        return restricts
