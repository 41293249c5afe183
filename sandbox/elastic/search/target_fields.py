"""The fields that a query names by patterns and with boosts (`title^2`, `ti*`), or all fields that hold text or values."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.mappings import is_searchable
from sandbox.elastic.search.query_bodies import number

_VECTORS = ("sparse_vector", "rank_features", "dense_vector", "semantic_text")
Targets = list[tuple[str, float]]
"""Paths of fields, each with its boost."""


def named(index: Index, query: str, given: Sequence[str]) -> Targets:
    """The fields that a query names. A plain name stands for itself, also if the mapping does not have it.

    Raises:
        Refusal: a boost is not a number.
    """
    found: dict[str, float] = {}
    for each in given:
        pattern, _, own = str(each).partition("^")
        boost = number(query, pattern, own or 1)
        for path in matching(index, pattern) if "*" in pattern else [pattern]:
            found[path] = found.get(path, 1.0) * boost
    return list(found.items())


def of_index(index: Index) -> tuple[Targets, bool]:
    """The fields that a query without any searches, and whether these are all of them: then it is lenient."""
    given = index.settings.get("query.default_field", "*").split(",")
    return named(index, "default_field", given), given == ["*"]


def matching(index: Index, pattern: str) -> list[str]:
    """The searchable fields that match a pattern."""
    return [
        path
        for path, field in index.fields.items()
        if fnmatchcase(path, pattern)
        and field.type not in _VECTORS
        and is_searchable(field.type, field.parameters)
    ]
