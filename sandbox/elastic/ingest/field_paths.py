"""A document as ingest processors see it: dotted paths, metadata fields, templates. As IngestDocument.java."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.ingest import errors as ingest_errors

METADATA = ("_index", "_id", "_routing", "_version", "_version_type")
_TEMPLATE = re.compile(r"\{\{\{?\s*([^{}\s]+)\s*\}?\}\}")
_JAVA = {
    str: "java.lang.String",
    bool: "java.lang.Boolean",
    int: "java.lang.Integer",
    float: "java.lang.Double",
    list: "java.util.ArrayList",
    dict: "java.util.HashMap",
}
_ABSENT = object()
_NOTHING = object()


@dataclass(eq=False)
class IngestDocument:
    """A document in a pipeline, with its failure or drop."""

    source: dict[str, Any]
    metadata: dict[str, Any]
    ingest: dict[str, Any] = field(default_factory=dict)
    """The content of `_ingest`."""
    error: Refusal | None = None
    dropped: bool = False
    within: list[str] = field(default_factory=list)
    """The pipelines that it is currently in, outermost first."""

    @property
    def alive(self) -> bool:
        """Whether it goes on to the next processor."""
        return self.error is None and not self.dropped

    def get(self, path: str, default: Any = _ABSENT) -> Any:
        """The value at a path.

        Raises:
            Refusal: there is none, and no default.
        """
        root, names = self._resolved(path)
        value: Any = root
        for name in names:
            try:
                value = _child(value, name, path)
            except Refusal:
                if default is _ABSENT:
                    raise
                return default
        return value

    def has(self, path: str) -> bool:
        """Whether a path exists, even with the value null."""
        return self.get(path, _NOTHING) is not _NOTHING

    def text(self, path: str) -> str:
        """The string at a path.

        Raises:
            Refusal: there is none.
        """
        value = self.get(path)
        if not isinstance(value, str):
            raise ingest_errors.FIELD_NOT_STRING.refusal(path=path, type=java_type(value))
        return value

    def set(self, path: str, value: Any) -> None:
        """Set the value at a path, creating objects on the way.

        Raises:
            Refusal: something on the way is not an object.
        """
        parent, names = self._resolved(path)
        for name in names[:-1]:
            if isinstance(parent, dict) and name not in parent:
                parent[name] = {}
            parent = _child(parent, name, path)
        if isinstance(parent, list) and names[-1].isdigit() and int(names[-1]) < len(parent):
            parent[int(names[-1])] = value
        elif isinstance(parent, dict):
            parent[names[-1]] = value
        else:
            raise ingest_errors.FIELD_NO_PARENT.refusal(name=names[-1], type=java_type(parent), path=path)

    def set_or_append(self, path: str, value: Any) -> None:
        """Set the value at a path; if there is one, make a list and append.

        Raises:
            Refusal: something on the way is not an object.
        """
        if self.has(path):
            there = self.get(path)
            value = [*there, value] if isinstance(there, list) else [there, value]
        self.set(path, value)

    def remove(self, path: str) -> Any:
        """Remove and return the value at a path.

        Raises:
            Refusal: there is none.
        """
        value = self.get(path)
        root, names = self._resolved(path)
        parent: Any = root
        for name in names[:-1]:
            parent = _child(parent, name, path)
        del parent[int(names[-1]) if isinstance(parent, list) else names[-1]]
        return value

    def rendered(self, template: Any) -> Any:
        """Render a template; values that are not strings are returned unchanged."""
        if not isinstance(template, str):
            return template
        return _TEMPLATE.sub(lambda found: _written(self.get(found[1], "")), template)

    def _resolved(self, path: str) -> tuple[dict[str, Any], list[str]]:
        names = path.removeprefix("_source.").split(".")
        if not all(names):
            raise ingest_errors.PATH_INVALID.refusal(path=path)
        if names[0] == "_ingest" and len(names) > 1:
            return self.ingest, names[1:]
        if names[0] in METADATA:
            return self.metadata, names
        return self.source, names


def java_type(value: Any) -> str:
    """A type's name, as in error messages."""
    return _JAVA.get(type(value), "null")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _child(value: Any, name: str, path: str) -> Any:
    if isinstance(value, dict):
        if name not in value:
            raise ingest_errors.FIELD_MISSING.refusal(name=name, path=path)
        return value[name]
    if isinstance(value, list):
        if not name.isdigit():
            raise ingest_errors.NOT_AN_INDEX.refusal(name=name, path=path)
        if int(name) >= len(value):
            raise ingest_errors.OUT_OF_BOUNDS.refusal(name=name, length=len(value), path=path)
        return value[int(name)]
    if value is None:
        raise ingest_errors.FROM_NULL.refusal(name=name, path=path)
    raise ingest_errors.FROM_SCALAR.refusal(name=name, type=java_type(value), path=path)
