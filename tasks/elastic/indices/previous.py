"""Embeddings that somebody else's model left in an index: which fields hold them, and its mapping without them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal, get_args

EmbeddingType = Literal["rank_features", "sparse_vector", "dense_vector"]
"""The types of fields that hold embeddings; ELSER 1 wrote into `rank_features`."""
BESIDE = ("is_truncated", "model_id")
"""What the inference processor writes beside an embedding (`ml.model_id` beside `ml.tokens`)."""


@dataclass(frozen=True)
class Old:
    """A field with embeddings."""

    path: str
    type: EmbeddingType


def old_embeddings(properties: Mapping[str, Any]) -> tuple[Old, ...]:
    """The fields of a mapping that hold embeddings, by their paths."""
    return tuple(_found(properties, ""))


def left_out(properties: Mapping[str, Any], paths: Collection[str]) -> tuple[str, ...]:
    """What is left out with these fields: what the inference processor wrote beside them, and objects that hold nothing else.

    An object whose every field is left out would itself be copied, empty, and be mapped again.
    """
    parents = dict.fromkeys(path.rpartition(".")[0] for path in paths if "." in path)
    fields = (*paths, *(f"{parent}.{name}" for parent in parents for name in BESIDE))
    kept = without(properties, fields)
    return (*fields, *(parent for parent in parents if not _is_at(kept, parent)))


def without(properties: Mapping[str, Any], paths: Collection[str]) -> dict[str, Any]:
    """A mapping's fields without some of them, and without objects that are empty then."""
    kept = deepcopy(dict(properties))
    for path in paths:
        _drop(kept, path.split("."))
    return kept


def _found(properties: Mapping[str, Any], prefix: str) -> Iterator[Old]:
    for name, field in properties.items():
        path = f"{prefix}{name}"
        if field.get("type") in get_args(EmbeddingType):
            yield Old(path, field["type"])
        yield from _found(field.get("properties") or {}, f"{path}.")


def _drop(properties: dict[str, Any], path: list[str]) -> None:
    first, *rest = path
    if not rest:
        properties.pop(first, None)
    elif inner := properties.get(first, {}).get("properties"):
        _drop(inner, rest)
        if not inner:
            del properties[first]


def _is_at(properties: Mapping[str, Any], path: str) -> bool:
    for name in path.split("."):
        if name not in properties:
            return False
        properties = properties[name].get("properties") or {}
    return True
