"""Replies on the wire: JSON, nothing, or a content in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from starlette.types import Send

from sandbox.storage.wire.exchange import Part, Reply

_BLOCK = 1 << 18


async def send_reply(reply: Reply, send: Send, verb: str) -> None:
    """Send a reply; its file is closed at the end."""
    try:
        content = json_of(reply)
        headers = dict(reply.headers)
        if content is not None and reply.status not in (204, 304):
            headers.setdefault("Content-Type", "application/json; charset=UTF-8")
            headers["Content-Length"] = str(len(content))
        elif isinstance(reply.body, Part):
            headers["Content-Length"] = str(reply.body.size)
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        async for piece in _pieces(reply, content or b"", verb):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        reply.close()


def json_of(reply: Reply) -> bytes | None:
    """The bytes of a small reply; None if it is a content."""
    if reply.body is None:
        return b""
    if isinstance(reply.body, bytes):
        return reply.body
    return orjson.dumps(reply.body) if isinstance(reply.body, dict) else None


async def _pieces(reply: Reply, content: bytes, verb: str) -> AsyncIterator[bytes]:
    if content and verb != "HEAD":
        yield content
    elif isinstance(reply.body, Part):
        left = reply.body.size
        reply.body.file.seek(reply.body.start)
        while left and (block := reply.body.file.read(min(left, _BLOCK))):
            left -= len(block)
            yield block
    elif isinstance(reply.body, AsyncIterator):
        async for piece in reply.body:
            yield piece
