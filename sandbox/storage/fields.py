"""The fields of buckets and objects: what a request may set, and how a resource is shown."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.storage import errors
from sandbox.storage.store import Bucket, Object

_OBJECT_TEXTS = (
    "contentType", "cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "customTime", "storageClass",
)  # fmt: skip
_BUCKET_SET = ("location", "storageClass", "labels", "iamConfiguration")
_OUTPUT_ONLY = frozenset((
    "bucket", "componentCount", "crc32c", "etag", "generation", "hardDeleteTime", "id", "kind", "locationType", "md5Hash",
    "mediaLink", "metageneration", "name", "owner", "projectNumber", "satisfiesPZI", "satisfiesPZS", "selfLink", "size",
    "softDeleteTime", "timeCreated", "timeDeleted", "timeFinalized", "timeStorageClassUpdated", "updated",
))  # fmt: skip
"""Ignored in a request, as the service ignores them; names and checksums are looked at elsewhere."""
_MULTI_REGIONS = ("US", "EU", "ASIA")
DEFAULT_TYPE = "application/octet-stream"


def object_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets of an object; None takes a field away.

    Raises:
        Refusal: a value is invalid, or a field would have an effect that is not imitated.
    """
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in _OBJECT_TEXTS:
            found[name] = _header(name, value)
        elif name == "metadata":
            found[name] = _texts(name, value)
        elif name not in _OUTPUT_ONLY and not _is_off(value):
            raise errors.NOT_IMITATED.refusal(what=f"The field {name} of an object")
    return found


def bucket_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request sets of a bucket; None takes a field away.

    Raises:
        Refusal: a value is invalid, or a field would have an effect that is not imitated.
    """
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name == "labels":
            found[name] = _texts(name, value)
        elif name in ("location", "storageClass"):
            found[name] = (_header(name, value) or "").upper() or None
        elif name in _BUCKET_SET:
            found[name] = value
        elif name not in _OUTPUT_ONLY and not _is_off(value):
            raise errors.NOT_IMITATED.refusal(what=f"The field {name} of a bucket")
    return found


def merged(fields: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The fields after a patch: None takes one away, also within a map."""
    found = dict(fields)
    for name, value in change.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name, {}), dict):
            found[name] = merged(found.get(name, {}), value)
        else:
            found[name] = value
    return found


def object_resource(found: Object, address: str) -> dict[str, Any]:
    """An object as the API shows it."""
    path = f"b/{quote(found.bucket, safe='')}/o/{quote(found.name, safe='')}"
    media = f"download/storage/v1/{path}?generation={found.generation}&alt=media"
    content = found.content
    shown = {
        "kind": "storage#object",
        "id": f"{found.bucket}/{found.name}/{found.generation}",
        "selfLink": f"{address}/storage/v1/{path}",
        "mediaLink": f"{address}/{media}",
        "name": found.name,
        "bucket": found.bucket,
        "generation": str(found.generation),
        "metageneration": str(found.metageneration),
        "storageClass": "STANDARD",
        "size": str(content.size),
        "crc32c": content.crc32c,
        "etag": object_etag(found),
        "timeCreated": _time(found.created),
        "updated": _time(found.updated),
        "timeStorageClassUpdated": _time(found.created),
        "timeFinalized": _time(found.created),
        **found.fields,
    }
    if content.md5 is not None:
        shown["md5Hash"] = content.md5
    if found.components is not None:
        shown["componentCount"] = found.components
    return shown


def object_etag(found: Object) -> str:
    """A text that changes with every change of an object."""
    return base64.b64encode(f"{found.generation}/{found.metageneration}".encode()).decode()


def bucket_resource(found: Bucket, address: str) -> dict[str, Any]:
    """A bucket as the API shows it."""
    location = str(found.fields.get("location", "US"))
    kind = "multi-region" if location in _MULTI_REGIONS else "region" if "-" in location else "dual-region"
    return {
        "kind": "storage#bucket",
        "id": found.name,
        "selfLink": f"{address}/storage/v1/b/{quote(found.name, safe='')}",
        "name": found.name,
        "projectNumber": "123456789012",
        "metageneration": str(found.metageneration),
        "location": location,
        "locationType": kind,
        "storageClass": "STANDARD",
        "etag": base64.b64encode(str(found.metageneration).encode()).decode(),
        "timeCreated": _time(found.created),
        "updated": _time(found.updated),
        **{name: value for name, value in found.fields.items() if name != "location"},
    }


def _header(name: str, value: Any) -> str | None:
    """A text that can be a header's value in a download."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or not value.isascii() or len(value) > 4096:
        raise errors.INVALID.refusal(
            problem=f"Invalid value for {name}: not a string of at most 4096 printable ASCII characters."
        )
    return value.strip()


def _texts(name: str, value: Any) -> dict[str, str | None] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(each, str | None) for each in value.values()):
        raise errors.INVALID.refusal(problem=f"Invalid value for {name}: not a map of strings.")
    return value


def _is_off(value: Any) -> bool:
    """Whether a value asks for nothing: `{"enabled": false}`."""
    if isinstance(value, dict):
        return all(map(_is_off, value.values()))
    return not value or value == "0"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
