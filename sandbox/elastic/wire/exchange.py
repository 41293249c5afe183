"""One request and one reply as handlers see them: decoded, with nothing of HTTP left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.elastic import errors
from sandbox.elastic.wire.callers import Caller
from sandbox.elastic.wire.tokens import token

_UNITS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"(\d+)(nanos|micros|ms|s|m|h|d)")


@dataclass
class Request:
    """One call of an API."""

    method: str
    path: str
    params: dict[str, str]
    """The path's parameters, named as in the route's template; decoded."""
    query: dict[str, str]
    headers: Mapping[str, str]
    """Names are in lower case."""
    body: bytes
    warnings: list[str] = field(default_factory=list)
    """Texts for `Warning: 299` headers; handlers append to it."""
    resource: str = ""
    """The name of the changed resource in the write log; the path unless a handler sets it."""
    client: Any = None
    """The address that it came from."""
    caller: Caller = field(default_factory=Caller)
    """The key that it came with."""
    changed: bool = True
    """A handler of a changing route sets this to False if nothing changed."""

    def json(self) -> dict[str, Any]:
        """The body as an object; empty if there is no body.

        Raises:
            Refusal: it is not JSON, or not an object.
        """
        if not self.body.strip():
            return {}
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise errors.UNREADABLE_BODY.refusal(problem=str(error)) from error
        if not isinstance(found, dict):
            raise errors.PARSING.refusal(problem=f"Expected [START_OBJECT] but found [{token(found)}]")
        return found

    def fields(self, parser: str, *known: str) -> dict[str, Any]:
        """The body as an object of known fields.

        Raises:
            Refusal: as `json`, or a field is unknown.
        """
        found = self.json()
        for name in found:
            if name not in known:
                raise errors.UNKNOWN_FIELD.refusal(parser=parser, field=name)
        return found

    def lines(self) -> Iterator[bytes]:
        """The non-empty lines of an ndjson body."""
        return (line for line in self.body.split(b"\n") if line.strip())

    def text(self, name: str, default: str = "") -> str:
        """A query parameter as text."""
        return self.query.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean query parameter; present without a value means true.

        Raises:
            Refusal: it is invalid.
        """
        value = self.query.get(name)
        if value is None:
            return default
        if value not in ("", "true", "false"):
            raise errors.NOT_A_BOOLEAN.refusal(value=value)
        return value != "false"

    def number(self, name: str, default: int) -> int:
        """An integer query parameter.

        Raises:
            Refusal: it is invalid.
        """
        value = self.query.get(name)
        try:
            return default if value is None else int(value)
        except ValueError:
            raise errors.NOT_A_NUMBER.refusal(name=name, value=value) from None

    def seconds(self, name: str, default: float) -> float:
        """A query parameter that is a duration (`30s`), in seconds.

        Raises:
            Refusal: it is invalid.
        """
        value = self.query.get(name)
        return default if value is None else duration(name, value)


def duration(name: str, value: str) -> float:
    """Seconds of a time value as Elasticsearch writes it (`30s`); -1 stays -1.

    Raises:
        Refusal: its unit is missing or unknown.
    """
    if value in ("-1", "0"):
        return float(value)
    found = _TIME.fullmatch(value)
    if not found:
        raise errors.NOT_A_TIME.refusal(name=name, value=value)
    return int(found[1]) * _UNITS[found[2]]


def whole(name: str, value: Any) -> int:
    """An integer in a body; a string that holds one is accepted.

    Raises:
        Refusal: it is invalid.
    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise errors.NOT_A_NUMBER.refusal(name=name, value=value) from None
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise errors.NOT_A_NUMBER.refusal(name=name, value=value)
    return number


@dataclass
class Reply:
    """The answer to a call."""

    body: Any
    """A value for JSON, or a string for plain text."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
