"""Marks: what is written on everything that we create, so that no state file is needed.

managed_by  always `vector-search-ops`
name        the name that it was created under
spec        hash of the immutable configuration
content     hash of the data that it holds; on an index only

Each engine keeps them where its service allows it: Vertex AI in labels, Elasticsearch in `_meta`. A resource with our
name but without the marks belongs to somebody else and is never touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

MANAGED_BY = "vector-search-ops"


def marks(name: str, spec: str, **more: Any) -> dict[str, Any]:
    """The marks of something created under a name from a specification."""
    return {"managed_by": MANAGED_BY, "name": name, "spec": spec, **more}


def is_ours(found: Mapping[str, Any] | None, name: str) -> bool:
    """Whether we created this under that name."""
    return found is not None and found.get("managed_by") == MANAGED_BY and found.get("name") == name


def fingerprint(value: Any) -> str:
    """Twelve hex digits of a value, whatever the order of its keys, the same in every process."""
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2s(canonical, digest_size=6).hexdigest()
