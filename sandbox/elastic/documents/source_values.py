"""The values of a field within a document as it was written: its own, and those that `copy_to` brings from other fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.elastic.indices.mappings import Field


def at(document: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values at a path, with those of every object of a list; a dotted name stands for nested objects."""
    if isinstance(document, list):
        for each in document:
            yield from at(each, path)
    elif not path:
        if document is not None:
            yield document
    elif isinstance(document, dict):
        for cut in range(1, len(path) + 1):
            name = ".".join(path[:cut])
            if name in document:
                yield from at(document[name], path[cut:])


def origins(field: Field, known: Mapping[str, Field]) -> list[str]:
    """The paths of a field's values in a document, in order of their names (MappingLookup.java, `sourcePaths`).

    They are its own, which a multi-field has from its parent, and those of the fields that are copied to it.
    """
    parent = field.path.rpartition(".")[0]
    own = parent if parent in known else field.path
    return sorted({own, *(path for path, each in known.items() if own in each.parameters.get("copy_to", ()))})


def of_field(document: Any, field: Field, known: Mapping[str, Field]) -> Iterator[Any]:
    """All values of a field in a document."""
    for path in origins(field, known):
        yield from at(document, path.split("."))
