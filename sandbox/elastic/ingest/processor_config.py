"""The settings of one processor, read once, with the service's error messages."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.errors import Answer, Refusal
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.field_paths import java_type

_REQUIRED = object()


class ProcessorConfig:
    """Settings that are read one after the other; what is left at the end is unknown."""

    def __init__(self, kind: str, values: Any) -> None:
        self.kind = kind
        self._left: dict[str, Any] = dict(values) if isinstance(values, dict) else {}
        self.tag: str | None = self._left.pop("tag", None)
        self._left.pop("description", None)
        if not isinstance(values, dict):
            raise self.refusal(ingest_errors.WRONG_PROPERTY, kind, problem="property isn't a map")

    def refusal(self, answer: Answer, name: str | None = None, **facts: str) -> Refusal:
        """A refusal that names the processor and the setting."""
        metadata = {"processor_type": self.kind, "processor_tag": self.tag, "property_name": name}
        known = {key: value for key, value in metadata.items() if value is not None}
        return Refusal(answer.status, answer.kind, answer.text.format(property=name, **facts), known)

    def has(self, name: str) -> bool:
        """Whether a setting is given and not yet read."""
        return name in self._left

    def value(self, name: str, default: Any = _REQUIRED) -> Any:
        """The value of a setting, of any type.

        Raises:
            Refusal: it is required but missing.
        """
        if name not in self._left:
            if default is _REQUIRED:
                raise self.refusal(ingest_errors.REQUIRED_PROPERTY, name)
            return default
        return self._left.pop(name)

    def text(self, name: str, default: Any = _REQUIRED) -> Any:
        """A string.

        Raises:
            Refusal: it is missing or of another type.
        """
        return self._typed(name, default, str, "string")

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false.

        Raises:
            Refusal: it is of another type.
        """
        return self._typed(name, default, bool, "boolean")

    def texts(self, name: str, default: Any = _REQUIRED) -> list[str]:
        """A string or a list of them.

        Raises:
            Refusal: it is missing.
        """
        value = self.value(name, default)
        return value if isinstance(value, list) else [value]

    def finish(self) -> None:
        """Refuse settings that were not read."""
        if self._left:
            names = f"[{', '.join(sorted(self._left))}]"
            raise self.refusal(ingest_errors.UNKNOWN_PROPERTIES, type=self.kind, properties=names)

    def _typed(self, name: str, default: Any, kind: type, word: str) -> Any:
        value = self.value(name, default)
        if value is not default and not isinstance(value, kind):
            problem = f"property isn't a {word}, but of type [{java_type(value)}]"
            raise self.refusal(ingest_errors.WRONG_PROPERTY, name, problem=problem)
        return value
