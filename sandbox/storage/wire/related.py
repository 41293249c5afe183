"""The body of a multipart upload: one part of metadata, one of content, which passes through in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message
from email.parser import HeaderParser
from typing import Any

from sandbox.storage import errors
from sandbox.storage.errors import Refusal
from sandbox.storage.wire.exchange import MOST_JSON, Body, json_object

_MOST_HEADERS = 8192


class Related:
    """A `multipart/related` body; read `metadata()` first, then `content()` to its end."""

    def __init__(self, body: Body, content_type: str) -> None:
        self._boundary = boundary_of(content_type).encode()
        self._pieces = body.pieces()
        self._held = bytearray()
        self._line = b"\r\n"
        self.content_type: str | None = None
        """What the header of the content's part says, once `metadata` is read."""

    async def metadata(self) -> dict[str, Any]:
        """The JSON object of the first part.

        Raises:
            Refusal: the body is not as it should be.
            ClientGone: the connection was lost.
        """
        first = await self._until(b"\n", _MOST_HEADERS)
        self._line = b"\r\n" if first.endswith(b"\r") else b"\n"
        if first.rstrip() != b"--" + self._boundary:
            raise malformed()
        await self._headers()
        text = await self._until(self._line + b"--" + self._boundary, MOST_JSON)
        if (await self._until(b"\n", 2)).strip():
            raise malformed()
        self.content_type = (await self._headers()).get("content-type")
        return json_object(text)

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the second part.

        Raises:
            Refusal: there is no end, or more than two parts.
            ClientGone: the connection was lost.
        """
        end = self._line + b"--" + self._boundary
        while (at := self._held.find(end)) < 0:
            safe = max(len(self._held) - len(end) + 1, 0)
            piece = bytes(self._held[:safe])
            del self._held[:safe]
            if piece:
                yield piece
            await self._more()
        piece = bytes(self._held[:at])
        del self._held[: at + len(end)]
        if piece:
            yield piece
        while len(self._held) < 2:
            await self._more()
        if not self._held.startswith(b"--"):
            raise malformed()

    async def _headers(self) -> Message:
        text = b""
        while (line := (await self._until(b"\n", _MOST_HEADERS)).rstrip(b"\r")) and len(text) < _MOST_HEADERS:
            text += line + b"\n"
        return HeaderParser().parsestr(text.decode("latin-1"))

    async def _until(self, end: bytes, most: int) -> bytes:
        while (at := self._held.find(end)) < 0:
            if len(self._held) > most + len(end):
                raise malformed()
            await self._more()
        found = bytes(self._held[:at])
        del self._held[: at + len(end)]
        return found

    async def _more(self) -> None:
        try:
            self._held += await anext(self._pieces)
        except StopAsyncIteration:
            raise malformed() from None


def boundary_of(content_type: str) -> str:
    """The boundary that a multipart content type names.

    Raises:
        Refusal: it names none.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary("")
    if (
        header.get_content_maintype() != "multipart"
        or not 1 <= len(boundary) <= 200
        or not boundary.isascii()
    ):
        raise errors.BAD_REQUEST.refusal(problem="The content type is not multipart with a boundary.")
    return boundary


def malformed() -> Refusal:
    """The refusal of a body that is not as its content type says."""
    return errors.BAD_REQUEST.refusal(problem="Malformed multipart body.")
