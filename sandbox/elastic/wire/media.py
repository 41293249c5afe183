"""Media types: what a client may send and accept, and what it gets back. Only here do clients 8 and 9 differ."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.versions import Release
from sandbox.elastic.wire import errors as wire_errors

JSON = "application/json"
_TYPE = re.compile(r"[\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VERSION = re.compile(r"application/vnd\.elasticsearch\+[a-z-]+\s*;\s*compatible-with\s*=\s*(\d+)")
_VENDOR = "application/vnd.elasticsearch+"
_BODIES = frozenset({JSON, "application/x-ndjson", "application/*", f"{_VENDOR}json", f"{_VENDOR}x-ndjson"})
"""The real service reads these as JSON, XContentType.java; it reads the three below too."""
_BINARY = frozenset(
    f"{family}{kind}" for family in ("application/", _VENDOR) for kind in ("smile", "yaml", "cbor")
)


def check(headers: Mapping[str, str], has_body: bool, release: Release) -> str | None:
    """The `compatible-with` version that the client requests; None if it requests none.

    Raises:
        Refusal: this release does not know the version, such as client 9's on an 8.x server, or it is no media type.
    """
    accept, content = headers.get("accept", ""), headers.get("content-type", "")
    named = ", ".join(name for name, value in (("Accept", accept), ("Content-Type", content)) if value)
    try:
        asked = _version("Accept", accept, release)
        sent = _version("Content-Type", content, release)
        if _kind(accept) in _BINARY:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"the sandbox answers JSON, not [{accept}]")
        if has_body and content and sent != asked and accept not in ("", "*/*"):
            raise wire_errors.MEDIA_VERSIONS_DIFFER.refusal(accept=accept, content=content)
    except Refusal as cause:
        raise wire_errors.MEDIA_TYPE.refusal(headers=named, cause=cause) from cause
    return asked


def unsupported(headers: Mapping[str, str]) -> str | None:
    """Why a body is not read: its type is missing, or one that a web page may send unasked. RestController.java."""
    content = headers.get("content-type")
    if content is None:
        return "Content-Type header is missing"
    return None if _kind(content) in _BODIES else f"Content-Type header [{content}] is not supported"


def decoded(headers: Mapping[str, str], body: bytes) -> bytes:
    """The body, decompressed.

    Raises:
        Refusal: it is not compressed as its header says.
    """
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    try:
        if encoding == "gzip":
            return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise wire_errors.ENCODING.refusal(encoding=encoding) from error
    raise wire_errors.ENCODING.refusal(encoding=encoding)


def answered(asked: str | None, text: bool) -> str:
    """The content type of a reply."""
    if text:
        return "text/plain; charset=UTF-8"
    return f"application/vnd.elasticsearch+json;compatible-with={asked}" if asked else JSON


def _version(header: str, value: str, release: Release) -> str | None:
    """The `compatible-with` of the first acceptable type."""
    refusal = None
    for part in value.lower().split(",") if value else ():
        found = _VERSION.match(part.strip())
        if found and int(found[1]) in release.media_versions:
            return found[1]
        if found:
            oldest, newest = release.media_versions
            refusal = wire_errors.MEDIA_VERSION.refusal(
                header=header, value=value, newest=newest, oldest=oldest, found=found[1]
            )
        elif not _TYPE.fullmatch(_kind(part)):
            refusal = errors.ILLEGAL_ARGUMENT.refusal(problem=f"invalid media-type [{value}]")
    if refusal:
        raise refusal
    return None


def _kind(value: str) -> str:
    """A media type without its parameters."""
    return value.partition(";")[0].strip().lower()
