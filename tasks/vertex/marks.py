"""How we know our own: the labels on everything that we make, and what a crashed run left behind.

managed_by  always `vector-search-ops`
name        the name that the user gave
spec        hash of the immutable configuration
content     hash of the data that it holds; on an index only
coming      in place of content: hash of the data that an overwrite is bringing
overwritten when the last overwrite ended, in nanoseconds since 1970 by the service's clock; deployed copies follow later
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.vertex.specs import Specification

MANAGED_BY = "vector-search-ops"


def marks(spec: Specification, **more: str) -> dict[str, str]:
    """The labels of a resource made from a specification; of an index, also what is known of its contents."""
    return {"managed_by": MANAGED_BY, "name": spec.name, "spec": spec.spec, **more}


def marks_renewed(labels: Mapping[str, str], spec: Specification, **more: str) -> dict[str, str]:
    """Labels with our marks renewed: what was known of the contents gives way, what others put there stays."""
    others = {key: value for key, value in labels.items() if key not in ("content", "coming", "overwritten")}
    return others | marks(spec, **more)


def is_ours(labels: Mapping[str, str], name: str) -> bool:
    """Whether labels say that we made it under that name."""
    return labels.get("managed_by") == MANAGED_BY and labels.get("name") == name


def name_filter(name: str) -> str:
    """The list filter that finds what we made under a name.

    Documented for endpoints only; that indexes are filtered alike is not verified, so the labels are looked at again.
    """
    return f'labels.managed_by="{MANAGED_BY}" AND labels.name="{name}"'
