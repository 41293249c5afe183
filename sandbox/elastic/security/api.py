"""The APIs of security: API keys with role descriptors, who is calling, and which privileges that key has."""

from __future__ import annotations

import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.security import errors as security_errors
from sandbox.elastic.security import privileges
from sandbox.elastic.security.keys import ApiKeys
from sandbox.elastic.wire.callers import OWNER
from sandbox.elastic.wire.exchange import Request, duration
from sandbox.elastic.wire.routing import Route

_REALM = "_es_api_key"
_ROLE = ("cluster", "index", "indices", "metadata", "description")
_ENTRY = ("names", "privileges", "allow_restricted_indices")
_HAS = "/_security/user/_has_privileges"
_KEYS = "/_security/api_key"


class SecurityApi:
    """Keys, and what they may do."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("security.authenticate", "GET", "/_security/_authenticate", self.authenticate),
            Route("security.create_api_key", "PUT POST", _KEYS, self.create, changes=True),
            Route("security.get_api_key", "GET", _KEYS, self.get),
            Route("security.has_privileges", "GET POST", _HAS, self.has_privileges),
            Route("security.invalidate_api_key", "DELETE", _KEYS, self.invalidate, changes=True),
        )

    def authenticate(self, request: Request) -> dict[str, Any]:
        """`GET /_security/_authenticate`."""
        caller = request.caller
        realm = {"name": _REALM, "type": _REALM}
        shown = {
            "username": OWNER,
            "roles": [],
            "full_name": None,
            "email": None,
            "metadata": {},
            "enabled": True,
        }
        shown |= {"authentication_realm": realm, "lookup_realm": realm, "authentication_type": "api_key"}
        return shown | {"api_key": {"id": caller.key or OWNER, "name": caller.name or OWNER}}

    def create(self, request: Request) -> dict[str, Any]:
        """`PUT /_security/api_key`."""
        body = request.fields("create_api_key_request", "name", "role_descriptors", "expiration", "metadata")
        if not body.get("name"):
            raise errors.VALIDATION.refusal(problems="1: api key name is required;")
        if request.caller.roles is not None:
            raise security_errors.DERIVED_KEY.refusal()
        roles = {name: _role(name, given) for name, given in (body.get("role_descriptors") or {}).items()}
        expiration = body.get("expiration")
        seconds = duration("expiration", expiration) if expiration else None
        made = self._keys.create(str(body["name"]), roles, body.get("metadata") or {}, seconds)
        request.resource = made["name"]
        return made

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_security/api_key`, by id or name (with `*`); `active_only`."""
        owners = (request.text("username", OWNER), request.text("realm_name", _REALM))
        id_, name = request.text("id"), request.text("name", "*")
        now = time.time() * 1000
        own = request.caller.key if request.flag("owner") else ""
        found = [
            {"id": key, "type": "rest", "username": OWNER, "realm": _REALM, **_shown(record)}
            for key, record in self._keys.all().items()
            if owners == (OWNER, _REALM)
            and key == (id_ or own or key)
            and fnmatchcase(record["name"], name)
            and not (request.flag("active_only") and _is_over(record, now))
        ]
        return {"api_keys": found}

    def invalidate(self, request: Request) -> dict[str, Any]:
        """`DELETE /_security/api_key`, by ids or name."""
        body = request.fields("invalidate_api_key", "id", "ids", "name", "owner", "realm_name", "username")
        for name in ("realm_name", "username"):
            if name in body:
                raise errors.NOT_IMITATED.refusal(
                    name=name, value=body[name], api="security.invalidate_api_key"
                )
        chosen = [*body.get("ids", ()), *([body["id"]] if "id" in body else ())]
        if not chosen and "name" not in body and not body.get("owner"):
            raise security_errors.NO_KEY_CHOSEN.refusal()
        found = {
            key: record
            for key, record in self._keys.all().items()
            if (not chosen or key in chosen) and record["name"] == body.get("name", record["name"])
        }
        now = [key for key, record in found.items() if not record["invalidated"]]
        self._keys.invalidate(now)
        request.changed = bool(now)
        before = [key for key in found if key not in now]
        return {"invalidated_api_keys": now, "previously_invalidated_api_keys": before, "error_count": 0}

    def has_privileges(self, request: Request) -> dict[str, Any]:
        """`POST /_security/user/_has_privileges`: of the calling key."""
        body = request.fields("has_privileges", "cluster", "index", "application")
        cluster, index = body.get("cluster") or [], body.get("index") or []
        if body.get("application"):
            raise errors.NOT_IMITATED.refusal(
                name="application", value=body["application"], api="security.has_privileges"
            )
        if not cluster and not index:
            raise security_errors.NOTHING_ASKED.refusal()
        privileges.check("cluster", cluster)
        roles = request.caller.roles
        on_cluster = {name: roles is None or privileges.has_cluster(roles, name) for name in cluster}
        on_indices: dict[str, dict[str, bool]] = {}
        for entry in index:
            asked = _entry("has_privileges", entry)
            for pattern in asked["names"]:
                shown = on_indices.setdefault(pattern, {})
                for name in asked["privileges"]:
                    shown[name] = roles is None or privileges.has_index(roles, name, pattern)
        answers = [*on_cluster.values(), *(yes for each in on_indices.values() for yes in each.values())]
        return {
            "username": OWNER,
            "has_all_requested": all(answers),
            "cluster": on_cluster,
            "index": on_indices,
            "application": {},
        }


def _role(name: str, given: Any) -> dict[str, Any]:
    """A role descriptor, checked.

    Raises:
        Refusal: a privilege is unknown, or a part is not imitated.
    """
    if not isinstance(given, dict):
        raise errors.PARSING.refusal(problem=f"failed to parse role [{name}]")
    for part, value in given.items():
        if part not in _ROLE and value:
            raise errors.NOT_IMITATED.refusal(name=part, value=value, api="security.create_api_key")
    privileges.check("cluster", given.get("cluster") or [])
    entries = given.get("indices") or given.get("index") or []
    return {"cluster": given.get("cluster") or [], "indices": [_entry(name, entry) for entry in entries]}


def _entry(name: str, given: Any) -> dict[str, Any]:
    """Privileges on indices, with the names in a list.

    Raises:
        Refusal: a privilege is unknown, or rights on fields or documents are asked for.
    """
    if not isinstance(given, dict) or not given.get("names") or not given.get("privileges"):
        raise errors.PARSING.refusal(
            problem=f"failed to parse indices privileges for role [{name}]. missing required [names] or [privileges] field"
        )
    for part, value in given.items():
        if part not in _ENTRY:
            raise errors.NOT_IMITATED.refusal(name=part, value=value, api="security.create_api_key")
    names = given["names"] if isinstance(given["names"], list) else [given["names"]]
    privileges.check("index", given["privileges"])
    return {"names": names, "privileges": given["privileges"]}


def _shown(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"role_descriptors" if name == "roles" else name: value for name, value in record.items()}


def _is_over(record: Mapping[str, Any], now: float) -> bool:
    return record["invalidated"] or record.get("expiration", now + 1) <= now
