"""How we know our own: the labels on everything that we make, and what a crashed run left behind.

managed_by  always `vector-search-ops`
name        the name that the user gave
spec        hash of the immutable configuration
content     hash of the data that it holds; on an index only
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.vertex.specs import Specification

MANAGED_BY = "vector-search-ops"


def marks(spec: Specification, *, content: str | None = None) -> dict[str, str]:
    """The labels of a resource made from a specification."""
    labels = {"managed_by": MANAGED_BY, "name": spec.name, "spec": spec.spec}
    return labels if content is None else {**labels, "content": content}


def is_ours(labels: Mapping[str, str], name: str) -> bool:
    """Whether labels say that we made it under that name."""
    return labels.get("managed_by") == MANAGED_BY and labels.get("name") == name


def name_filter(name: str) -> str:
    """The list filter that finds what we made under a name."""
    return f"labels.managed_by={MANAGED_BY} AND labels.name={name}"
