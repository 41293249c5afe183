"""One call of a method, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.databricks import errors

Body = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A request, taken apart."""

    params: Mapping[str, str]
    """Those of its path."""
    query: Mapping[str, list[str]]
    body: Body
    user: str
    """Who calls; of a method that takes no token, the `Authorization` header itself."""
    raw: bytes = b""
    """The body of an upload."""

    def needed(self, name: str) -> Any:
        """A field of the body.

        Raises:
            Refusal: it is missing.
        """
        value = self.body.get(name)
        if value in (None, "", []):
            raise errors.INVALID.refusal(problem=f"Missing required field: {name}")
        return value

    def text(self, name: str) -> str:
        """A field of the body that is a text.

        Raises:
            Refusal: it is missing, or something else.
        """
        value = self.needed(name)
        if not isinstance(value, str):
            raise errors.INVALID.refusal(problem=f"{name} must be a string, not {value!r}")
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """A positive whole number of the body.

        Raises:
            Refusal: it is something else, or above the limit.
        """
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
            raise errors.INVALID.refusal(problem=f"{name} must be between 1 and {most}, not {value!r}")
        return value

    def asked(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return (self.query.get(name) or [default])[-1]

    def refuse(self, *fields: str) -> None:
        """Refuse by name the fields that are not imitated.

        Raises:
            Refusal: one of them is given.
        """
        for name in fields:
            if self.body.get(name) not in (None, "", [], 0, {}):
                raise errors.NOT_IMITATED.refusal(what=name)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    body: Body = field(default_factory=dict[str, Any])
    changed: str = ""
    """What it changed, for the write log; empty for a read, and for a repeated call."""
    content: bytes | None = None
    """Of a file, in place of a body."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Beside the content."""


Handler = Callable[[Call], Reply]
