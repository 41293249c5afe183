"""Updates: partial documents, upserts, and whether anything changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents import errors as documents_errors


def updated(
    body: Mapping[str, Any], there: dict[str, Any] | None, id_: str, metadata: Mapping[str, str]
) -> dict[str, Any] | None:
    """The document after the update; None if it does not change.

    Raises:
        Refusal: the document is missing and there is no upsert, or the update needs a script.
    """
    if "script" in body:
        raise documents_errors.NO_SCRIPTS.refusal()
    unknown = [name for name in body if name not in _BODY]
    if unknown:
        raise errors.PARSING.refusal(problem=f"[UpdateRequest] unknown field [{unknown[0]}]")
    change = body.get("doc")
    if there is None:
        if body.get("doc_as_upsert") and change is not None:
            return change
        if "upsert" in body:
            return body["upsert"]
        raise documents_errors.DOCUMENT_MISSING.refusal(id=id_, metadata={**metadata, "shard": "0"})
    if change is None:
        raise errors.VALIDATION.refusal(problems="1: script or doc is missing;")
    after = merged(there, change)
    return None if after == there and body.get("detect_noop", True) else after


_BODY = ("doc", "doc_as_upsert", "upsert", "detect_noop", "_source", "script", "scripted_upsert")


def merged(old: Any, new: Any) -> Any:
    """A value after a partial update. Objects are merged by name; everything else, including lists, is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}
