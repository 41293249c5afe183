"""Checksums that a client claims, held against what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.storage import errors
from sandbox.storage.contents import Content

KINDS = {"crc32c": "CRC32C", "md5": "MD5 hash"}
"""Each kind, with its name in the refusal."""


def claimed(metadata: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """The checksums in the metadata of an object or in the headers of a request, by kind."""
    found = {kind: metadata.get(name) for kind, name in (("crc32c", "crc32c"), ("md5", "md5Hash"))}
    for entry in headers.get("x-goog-hash", "").split(","):
        kind, _, value = entry.strip().partition("=")
        found[kind] = value
    found["md5"] = headers.get("content-md5") or found["md5"]
    return {kind: str(value) for kind, value in found.items() if kind in KINDS and value}


def check(content: Content, given: Mapping[str, str]) -> None:
    """Check that a content is what its sender said.

    Raises:
        Refusal: it is not.
    """
    for kind, found in (("crc32c", content.crc32c), ("md5", content.md5)):
        if given.get(kind, found) != found:
            raise errors.CHECKSUM.refusal(kind=KINDS[kind], given=given[kind], found=found)
