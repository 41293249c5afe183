"""Batch requests: several calls in one `multipart/mixed` body, and their answers in another.

As "Batch requests" documents it: at most 100 calls, less than 10 MB, no uploads and no downloads. This module only reads and
writes the bodies; every part is answered by the front as if it had come alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from urllib.parse import urlsplit

from sandbox.storage import errors
from sandbox.storage.errors import Refusal
from sandbox.storage.wire.exchange import Reply
from sandbox.storage.wire.related import boundary_of, malformed
from sandbox.storage.wire.replies import json_of

MOST_BYTES = 10_000_000
_MOST_CALLS = 100
_API = "storage/v1/"


@dataclass(frozen=True)
class Call:
    """One part of a batch."""

    id: str
    """Its Content-ID without brackets; empty if it has none."""
    verb: str = ""
    path: str = ""
    """The raw path after the key, without a leading slash."""
    query: bytes = b""
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    refusal: Refusal | None = None
    """Why it cannot be answered."""


def calls_of(body: bytes, content_type: str, *, host: str, prefix: str) -> list[Call]:
    """The parts of a batch, in their order.

    Args:
        body: the body of the request.
        content_type: its header.
        host: the Host of the request; a part may name no other.
        prefix: the key between two slashes, which the path of a part may begin with, as clients send it.

    Raises:
        Refusal: it is no batch, or too large.
    """
    boundary_of(content_type)
    message = BytesParser().parsebytes(
        b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    parts = message.get_payload()
    if not isinstance(parts, list) or message.defects:
        raise malformed()
    if len(parts) > _MOST_CALLS:
        raise errors.BAD_REQUEST.refusal(
            problem=f"The batch has {len(parts)} calls; {_MOST_CALLS} are the most."
        )
    return [_call(part, host, prefix) for part in parts if isinstance(part, Message)]


def answered(replies: Iterable[tuple[Call, Reply]]) -> Reply:
    """The reply to a batch, one part for each call."""
    boundary = f"batch_{secrets.token_urlsafe(24)}"
    found = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), _part(call, reply)) for call, reply in replies)
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Reply(found + f"--{boundary}--\r\n".encode(), headers=headers)


def _call(part: Message, host: str, prefix: str) -> Call:
    id_ = str(part.get("Content-ID", "")).strip("<> \r\n")
    try:
        return _parsed(part, id_, host, prefix)
    except Refusal as refusal:
        return Call(id_, refusal=refusal)


def _parsed(part: Message, id_: str, host: str, prefix: str) -> Call:
    content = part.get_payload(decode=True)
    if part.get_content_type() != "application/http" or not isinstance(content, bytes):
        raise errors.BAD_REQUEST.refusal(problem="A part of a batch is not application/http.")
    first, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    verb, _, target = first.decode("latin-1").strip().partition(" ")
    inner = BytesParser().parsebytes(rest)
    body = inner.get_payload(decode=True)
    headers = {name.lower(): str(value) for name, value in inner.items()}
    try:
        address = urlsplit(target.removesuffix(" HTTP/1.1").strip())
    except ValueError:
        raise malformed() from None
    if {address.netloc or host, headers.get("host", host)} != {host}:
        raise errors.OTHER_HOST.refusal()
    path = address.path.removeprefix(prefix).removeprefix("/")
    if not path.startswith(_API) or "alt=media" in address.query:
        raise errors.BAD_REQUEST.refusal(problem="A batch cannot upload, download, or hold another batch.")
    return Call(
        id_,
        verb,
        path,
        address.query.encode("latin-1"),
        headers,
        body.strip(b"\r\n") if isinstance(body, bytes) else b"",
    )


def _part(call: Call, reply: Reply) -> bytes:
    content = json_of(reply) or b""
    headers = {"Content-Length": str(len(content)), **reply.headers}
    if content:
        headers["Content-Type"] = "application/json; charset=UTF-8"
    outer = ["Content-Type: application/http"] + [f"Content-ID: <response-{call.id}>"] * bool(call.id)
    status = HTTPStatus(reply.status)
    lines = [*outer, "", f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace") + content
