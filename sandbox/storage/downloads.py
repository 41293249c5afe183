"""Contents on their way out: ranges, and the decompression of gzip that documentation calls transcoding."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime

from sandbox.storage import errors
from sandbox.storage.fields import DEFAULT_TYPE, object_etag
from sandbox.storage.store import Object, Store
from sandbox.storage.wire.exchange import Part, Reply, Request

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_BLOCK = 1 << 18
_GZIP = 31  # zlib's code for a gzip stream
_NAMED = {
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentLanguage": "Content-Language",
}


def download(store: Store, request: Request, found: Object) -> Reply:
    """The content of an object, or the part that the Range header asks for.

    Raises:
        Refusal: there is no such part.
    """
    headers = _headers(found)
    encoding = str(found.fields.get("contentEncoding", ""))
    if encoding == "gzip" and "gzip" not in request.headers.get("accept-encoding", ""):
        return Reply(_decompressed(store, found), headers=headers | {"Warning": "214 UploadServer gunzipped"})
    if encoding:
        headers["Content-Encoding"] = encoding
    size = found.content.size
    part = _part(request.headers.get("range", ""), size)
    if part is None:
        return Reply(Part(store.contents.open(found.content.id), 0, size), headers=headers)
    start, end = part
    if start >= size or end < start:
        refusal = errors.RANGE.refusal()
        refusal.headers["Content-Range"] = f"bytes */{size}"
        raise refusal
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Reply(
        Part(store.contents.open(found.content.id), start, end - start + 1), status=206, headers=headers
    )


def _part(header: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte; None for all, as for a header that is not understood."""
    found = _RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]) or max(map(len, found.groups())) > 18:
        return None
    if not found[1]:
        return max(size - int(found[2]), 0), (size if int(found[2]) else 0) - 1
    return int(found[1]), min(int(found[2]) if found[2] else size, size - 1)


def _headers(found: Object) -> dict[str, str]:
    content = found.content
    md5 = f",md5={content.md5}" if content.md5 else ""
    headers = {
        "Content-Type": found.fields.get("contentType", DEFAULT_TYPE),
        "ETag": object_etag(found),
        "Last-Modified": format_datetime(datetime.fromtimestamp(found.updated, UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Storage-Class": found.fields.get("storageClass", "STANDARD"),
        "X-Goog-Hash": f"crc32c={content.crc32c}{md5}",
        "X-Goog-Stored-Content-Encoding": found.fields.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(content.size),
    }
    return headers | {header: found.fields[name] for name, header in _NAMED.items() if found.fields.get(name)}


async def _decompressed(store: Store, found: Object) -> AsyncIterator[bytes]:
    unpacked = zlib.decompressobj(_GZIP)
    with store.contents.open(found.content.id) as file:
        while block := file.read(_BLOCK):
            while block:  # a small block may become a huge one
                yield unpacked.decompress(block, _BLOCK)
                block = unpacked.unconsumed_tail
