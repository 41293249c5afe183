"""A request and its reply. Bodies pass in pieces: no object is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson
from starlette.types import Message, Receive

from sandbox.storage import errors

MOST_JSON = 1 << 20
"""Bytes of metadata in one request; our own limit, far beyond what the documented limits of its fields add up to."""


class NotModified(Exception):
    """A read whose `...NotMatch` names what is there: status 304."""


class ClientGone(Exception):
    """The connection was lost before the body had arrived."""


class Body:
    """The body of a request, in pieces as they arrive."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_read = False

    @classmethod
    def of(cls, content: bytes) -> Body:
        """The body of a request within another one."""

        async def receive() -> Message:
            return {"type": "http.request", "body": content}

        return cls(receive)

    async def pieces(self) -> AsyncIterator[bytes]:
        """What has not been read yet.

        Raises:
            ClientGone: the connection was lost.
        """
        while not self._is_read:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            self._is_read = not message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    async def whole(self, most: int, what: str) -> bytes:
        """All of it, if it is small.

        Raises:
            Refusal: it is larger than `most` bytes.
            ClientGone: the connection was lost.
        """
        found = bytearray()
        async for piece in self.pieces():
            found += piece
            if len(found) > most:
                raise errors.TOO_LARGE.refusal(what=what, most=most)
        return bytes(found)

    async def json(self) -> dict[str, Any]:
        """The JSON object that it is; empty without a body.

        Raises:
            Refusal: it is none.
            ClientGone: the connection was lost.
        """
        return json_object(await self.whole(MOST_JSON, "The metadata"))

    async def drain(self) -> None:
        """Read and drop the rest, so that the client reads the reply instead of failing to send.

        Raises:
            ClientGone: the connection was lost.
        """
        async for _ in self.pieces():
            pass


def json_object(text: bytes) -> dict[str, Any]:
    """The JSON object in a text; empty if there is none.

    Raises:
        Refusal: it is not one.
    """
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.PARSE.refusal() from None
    if not isinstance(found, dict):
        raise errors.PARSE.refusal()
    return found


@dataclass
class Request:
    """One call of a method."""

    method: str
    """GET, POST, PUT, PATCH or DELETE."""
    params: Mapping[str, str]
    """The names in the path, decoded once."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Body
    address: str
    """How the caller reached us, up to the API's own paths: `http://127.0.0.1:PORT/KEY`. Links begin with it."""

    def number(self, name: str) -> int | None:
        """An integer of the query.

        Raises:
            Refusal: it is none.
        """
        value = self.query.get(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise errors.INVALID.refusal(problem=f"Invalid value for {name}: {value!r} is not an integer.")
        return int(value)

    def required(self, name: str) -> str:
        """A value of the query.

        Raises:
            Refusal: it is missing.
        """
        if not self.query.get(name):
            raise errors.REQUIRED.refusal(name=name)
        return self.query[name]

    def refuse(self, *names: str) -> None:
        """Refuse parameters that would have to have an effect.

        Raises:
            Refusal: one of them is there.
        """
        for name in names:
            if self.query.get(name):
                raise errors.NOT_IMITATED.refusal(what=f"The parameter {name}")


@dataclass
class Part:
    """A part of a content."""

    file: BinaryIO
    start: int
    size: int


@dataclass
class Reply:
    """An answer."""

    body: dict[str, Any] | bytes | Part | AsyncIterator[bytes] | None = None
    """A JSON object, a text, a content or nothing."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    changed: str = ""
    """The name of the bucket or object that the call changed, for the write log; empty if it changed nothing."""

    def close(self) -> None:
        """Close the file that would have been sent."""
        if isinstance(self.body, Part):
            self.body.file.close()
