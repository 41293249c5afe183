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
_VENDOR = re.compile(
    r"application/vnd\.elasticsearch\+(json|x-ndjson|smile|yaml|cbor)\s*;\s*compatible-with\s*=\s*(\d+)"
)
_FORM = "application/x-www-form-urlencoded"
_PLAIN = ("application/json", "application/x-ndjson", "application/ndjson", "text/plain", "*/*")


def check(headers: Mapping[str, str], has_body: bool, release: Release) -> str | None:
    """The `compatible-with` version that the client requests; None if it requests none.

    Raises:
        Refusal: this release does not know the type or version, such as client 9's on an 8.x server.
    """
    accept, content = headers.get("accept", ""), headers.get("content-type", "")
    if has_body and content.split(";")[0].strip().lower() == _FORM:
        raise wire_errors.CONTENT_TYPE.refusal(content=content)
    named = ", ".join(name for name, value in (("Accept", accept), ("Content-Type", content)) if value)
    try:
        asked = _version("Accept", accept, release)
        sent = _version("Content-Type", content, release)
        if has_body and content and sent != asked and accept not in ("", "*/*"):
            raise wire_errors.MEDIA_VERSIONS_DIFFER.refusal(accept=accept, content=content)
    except Refusal as cause:
        raise wire_errors.MEDIA_TYPE.refusal(headers=named, cause=cause) from cause
    return asked


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
    for part in value.split(",") if value else ():
        kind = part.strip().lower()
        vendor = _VENDOR.match(kind)
        if vendor and vendor[1] in ("json", "x-ndjson"):
            if int(vendor[2]) in release.media_versions:
                return vendor[2]
            oldest, newest = release.media_versions
            refusal = wire_errors.MEDIA_VERSION.refusal(
                header=header, value=value, newest=newest, oldest=oldest, found=vendor[2]
            )
        elif kind.split(";")[0].strip() not in _PLAIN:
            refusal = errors.ILLEGAL_ARGUMENT.refusal(problem=f"invalid media type [{part.strip()}]")
    if refusal:
        raise refusal
    return None
