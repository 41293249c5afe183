"""Named privileges as the actions that they grant, and what a caller's role descriptors add up to.

The names and their actions are those of ClusterPrivilegeResolver.java and IndexPrivilege.java, as far as the stand-in has
something that they grant. Each list runs from the least privilege to the greatest, as refusals name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from sandbox.elastic.security import errors as security_errors

Kind = Literal["cluster", "index"]
_SECURITY = "cluster:admin/xpack/security/*"
_TEMPLATES = ("indices:admin/template/*", "indices:admin/index_template/*")
_INFER = "cluster:monitor/xpack/ml/trained_models/deployment/infer"
_DEPLOY = "cluster:admin/xpack/ml/trained_models/deployment"
_EVERYTHING = ("cluster:admin/*", "cluster:monitor/*", *_TEMPLATES)

CLUSTER: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "cancel_task": ("cluster:admin/tasks/cancel*",),
    "monitor_inference": ("cluster:monitor/xpack/inference*", _INFER),
    "monitor_ml": ("cluster:monitor/xpack/ml/*",),
    "read_pipeline": ("cluster:admin/ingest/pipeline/get", "cluster:admin/ingest/pipeline/simulate"),
    "read_security": (f"{_SECURITY[:-1]}api_key/get",),
    "manage_own_api_key": (f"{_SECURITY[:-1]}api_key/*",),
    "manage_api_key": (f"{_SECURITY[:-1]}api_key/*",),
    "manage_security": (_SECURITY,),
    "manage_inference": (
        "cluster:admin/xpack/inference/*",
        "cluster:monitor/xpack/inference*",
        *(f"{_DEPLOY}/{word}" for word in ("start", "stop")),
        _INFER,
    ),
    "manage_ml": ("cluster:admin/xpack/ml/*", "cluster:monitor/xpack/ml/*"),
    "manage_ingest_pipelines": ("cluster:admin/ingest/pipeline/*",),
    "manage_pipeline": ("cluster:admin/ingest/pipeline/*",),
    "manage_index_templates": (*_TEMPLATES, "cluster:admin/component_template/*"),
    "monitor": (
        "cluster:monitor/*",
        "indices:admin/template/get",
        "indices:admin/index_template/get",
        "cluster:admin/component_template/get",
    ),
    "manage": _EVERYTHING,
    "all": _EVERYTHING,
}
INDEX: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "auto_configure": ("indices:admin/auto_create", "indices:admin/mapping/auto_put"),
    "create_doc": ("indices:data/write/index*", "indices:data/write/bulk*"),
    "create": ("indices:data/write/index*", "indices:data/write/bulk*"),
    "delete": ("indices:data/write/delete*", "indices:data/write/bulk*"),
    "index": ("indices:data/write/index*", "indices:data/write/bulk*", "indices:data/write/update*"),
    "create_index": ("indices:admin/create", "indices:admin/auto_create", "indices:admin/data_stream/create"),
    "delete_index": ("indices:admin/delete", "indices:admin/data_stream/delete"),
    "maintenance": ("indices:admin/refresh*", "indices:admin/flush*", "indices:admin/forcemerge*"),
    "monitor": ("indices:monitor/*",),
    "view_index_metadata": (
        *("indices:admin/aliases/get", "indices:admin/get", "indices:admin/mappings/get"),
        *("indices:admin/mappings/fields/get*", "indices:admin/validate/query*"),
        *("indices:admin/data_stream/get", "indices:data/read/field_caps*", "indices:monitor/settings/get"),
    ),
    "read": ("indices:data/read/*",),
    "write": ("indices:data/write/*", "indices:admin/mapping/auto_put"),
    "manage": ("indices:monitor/*", "indices:admin/*", "indices:data/read/field_caps*"),
    "all": ("indices:*",),
}
_KINDS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {"cluster": CLUSTER, "index": INDEX}
_NOT_GRANTED: Mapping[str, str] = {"manage": _SECURITY}
"""What a greater privilege leaves out."""


def check(kind: Kind, names: Iterable[str]) -> None:
    """Refuse privileges that do not exist here.

    Raises:
        Refusal: naming it, and those that exist.
    """
    known = _KINDS[kind]
    for name in names:
        if name.lower() not in known:
            plural = "clusters" if kind == "cluster" else "indices"
            raise security_errors.UNKNOWN_PRIVILEGE.refusal(
                kind=kind, kinds=plural, name=name, known=",".join(known)
            )


def granting(kind: Kind, action: str) -> str:
    """The privileges that grant an action, from least to greatest, as a refusal lists them."""
    return ",".join(name for name in _KINDS[kind] if _grants(kind, name, action))


def grants_action(roles: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether these roles allow an action on the cluster."""
    return any(_grants("cluster", name, action) for role in roles for name in role.get("cluster", ()))


def grants_on(roles: Iterable[Mapping[str, Any]], action: str, index: str | None) -> bool:
    """Whether these roles allow an action on an index, alias or data stream of this name; None: on any at all."""
    return any(
        _grants("index", name, action) for entry in _entries(roles, index) for name in entry["privileges"]
    )


def has_cluster(roles: Iterable[Mapping[str, Any]], privilege: str) -> bool:
    """Whether these roles include all that a privilege on the cluster grants."""
    return _includes("cluster", [name for role in roles for name in role.get("cluster", ())], privilege)


def has_index(roles: Iterable[Mapping[str, Any]], privilege: str, pattern: str) -> bool:
    """Whether these roles include all that a privilege grants, on every index that a name or pattern stands for."""
    return _includes(
        "index", [name for entry in _entries(roles, pattern) for name in entry["privileges"]], privilege
    )


def _entries(roles: Iterable[Mapping[str, Any]], index: str | None) -> list[Mapping[str, Any]]:
    """The entries for a name, or for all names that a pattern stands for."""
    # No index has this character: a pattern is covered by another if any name in the place of its star is.
    asked = None if index is None else index.replace("*", "\x00")
    entries = [entry for role in roles for entry in role.get("indices", ())]
    return [one for one in entries if asked is None or any(fnmatchcase(asked, name) for name in one["names"])]


def _includes(kind: Kind, held: Iterable[str], privilege: str) -> bool:
    names, wanted = list(held), privilege.lower()
    if (kind, wanted) == ("cluster", "all"):
        return wanted in names  # `manage` has the same actions but those of security
    return all(any(_grants(kind, name, one) for name in names) for one in _KINDS[kind][wanted])


def _grants(kind: Kind, name: str, action: str) -> bool:
    """Whether a privilege grants an action, or all that a pattern of actions stands for."""
    if kind == "cluster" and name in _NOT_GRANTED and _covers(_NOT_GRANTED[name], action):
        return False
    return any(_covers(pattern, action) for pattern in _KINDS[kind][name])


def _covers(pattern: str, action: str) -> bool:
    """Whether a pattern, which may end with a star, covers an action or another pattern."""
    return action.startswith(pattern[:-1]) if pattern.endswith("*") else action == pattern
