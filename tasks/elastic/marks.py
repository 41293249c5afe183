"""How we know our own: the `_meta` of every index and pipeline that we make.

managed_by  always `vector-search-ops`
name        the name that it was made under
spec        hash of the immutable configuration
content     hash of the data that it holds; on an index, set after the data arrived

`_meta` of a mapping is replaced as a whole and without compare-and-set: it holds what an index is, never how far
something got. Models and deployments carry no `_meta`; they are known by the ids that we choose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

MANAGED_BY = "vector-search-ops"


def marks(name: str, spec: str, **more: Any) -> dict[str, Any]:
    """The `_meta` of what is made under a name from a specification."""
    return {"managed_by": MANAGED_BY, "name": name, "spec": spec, **more}


def is_ours(meta: Mapping[str, Any] | None, name: str) -> bool:
    """Whether a `_meta` says that we made it under that name."""
    return meta is not None and meta.get("managed_by") == MANAGED_BY and meta.get("name") == name


def fingerprint(value: Any) -> str:
    """Twelve hex digits of a value, whatever the order of its keys, the same in every process."""
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2s(canonical, digest_size=6).hexdigest()
