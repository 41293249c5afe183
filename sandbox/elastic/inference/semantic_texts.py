"""The texts of a semantic_text field in a document that is written: where they stand, and in what form they are accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elastic.inference import errors as inference_errors


def value_at(document: Mapping[str, Any], path: Sequence[str]) -> tuple[bool, Any]:
    """Whether a document has a field, and its value; a dotted name stands for nested objects."""
    for cut in range(1, len(path) + 1):
        name = ".".join(path[:cut])
        if name not in document:
            continue
        value = document[name]
        if cut == len(path):
            return True, value
        if isinstance(value, Mapping):
            return value_at(value, path[cut:])
    return False, None


def put_at(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value where a document has the field, or at its path in nested objects. Objects on the way are copied, not changed."""
    for cut in range(len(path), 0, -1):
        name = ".".join(path[:cut])
        if name in document and (cut == len(path) or isinstance(document[name], Mapping)):
            break
    else:
        name, cut = path[0], 1
    if cut == len(path):
        document[name] = value
        return
    document[name] = dict(document.get(name) or {})
    put_at(document[name], path[cut:], value)


def pieces(path: str, value: Any) -> list[str]:
    """The texts of a value: a string, number, boolean, or a list of these.

    Raises:
        Refusal: it is something else.
    """
    found = []
    for each in value if isinstance(value, list) else [value]:
        if each is None:
            continue
        if not isinstance(each, str | int | float):
            kind = "Map" if isinstance(each, Mapping) else "List"
            raise inference_errors.BAD_VALUE.refusal(field=path, kind=kind)
        found.append(str(each).lower() if isinstance(each, bool) else str(each))
    return found
