"""The values of a field within a document as it was written."""

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


def origin(field: Field, known: Mapping[str, Field]) -> list[str]:
    """The path of a field's values in the document; a multi-field has its parent's."""
    parent = field.path.rpartition(".")[0]
    return (parent if parent in known else field.path).split(".")
