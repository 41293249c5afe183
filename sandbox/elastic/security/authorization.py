"""Holds a key of limited rights to them: a call beyond them is refused before its handler sees it.

As in the service, a wildcard stands for what the caller may see, and a name that it may not touch is refused. Unlike there, a
bulk request or reindex with one index beyond the key's rights is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from sandbox.elastic.indices import names as index_names
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.security import errors as security_errors
from sandbox.elastic.security import privileges
from sandbox.elastic.security.actions import ACTIONS, AUTO_CREATE, FREE, READING, is_of_indices
from sandbox.elastic.wire.callers import OWNER, Caller
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_NOTHING = "*,-*"
"""An expression that finds no index, as the service puts it in place of a wildcard that finds nothing."""
_WITHOUT_NAMES = (
    *("clear_scroll", "close_point_in_time", "msearch", "msearch_template", "render_search_template"),
    "scroll",
)
"""They belong to a search that was allowed, to none, or to several that are asked about one by one: a right on any index is enough."""
_CREATING = ("bulk", "create", "index", "reindex", "update")
"""They create an index that is not there."""


class Authorization:
    """Decides what callers may do."""

    def __init__(self, indices: Indices) -> None:
        self._indices = indices

    def guarded(self, route: Route) -> Route:
        """The route, refused to a caller without the right to it."""
        if route.api in FREE:
            return route
        action = ACTIONS[route.api]

        def handle(request: Request) -> Reply | dict[str, Any]:
            if request.caller.roles is not None:
                self._authorize(route.api, action, request)
            return route.handler(request)

        return replace(route, handler=handle)

    def _authorize(self, api: str, action: str, request: Request) -> None:
        caller = request.caller
        if not is_of_indices(action):
            if not privileges.grants_action(caller.roles or (), action):
                raise security_errors.CLUSTER_ACTION.refusal(
                    action=action,
                    key=caller.key,
                    user=OWNER,
                    privileges=privileges.granting("cluster", action),
                )
        elif api in _WITHOUT_NAMES or (api == "search" and "pit" in _body(request)):
            self._require(caller, action, None)
        elif api == "reindex":
            body = _body(request)
            self._require(caller, action, _listed(_part(body, "source").get("index")))
            self._write(caller, "indices:data/write/index", _listed(_part(body, "dest").get("index")))
        elif api in _CREATING:
            self._write(caller, action, _written(api, request))
        else:
            names = self._named(caller, api, action, request)
            self._require(caller, action, names)
            if api in READING:
                self._require(caller, READING[api], names)

    def _write(self, caller: Caller, action: str, names: list[str]) -> None:
        self._require(caller, action, names)
        self._require(caller, AUTO_CREATE, [name for name in names if not self._indices.behind(name)])

    def _require(self, caller: Caller, action: str, names: Iterable[str] | None) -> None:
        roles = caller.roles or ()
        facts: dict[str, Any] = {"action": action, "key": caller.key, "user": OWNER}
        facts["privileges"] = privileges.granting("index", action)
        if names is None:
            if not privileges.grants_on(roles, action, None):
                raise security_errors.ANY_INDEX_ACTION.refusal(**facts)
            return
        refused = [name for name in dict.fromkeys(names) if not privileges.grants_on(roles, action, name)]
        if refused:
            raise security_errors.INDEX_ACTION.refusal(**facts, indices=",".join(refused))

    def _named(self, caller: Caller, api: str, action: str, request: Request) -> list[str]:
        """The names that a call is about; wildcards are narrowed to what the caller may see."""
        if api == "indices.update_aliases":
            return _of_aliases(_body(request))
        if api == "mget":
            return _written(api, request)
        place = next((one for one in ("index", "alias", "name") if one in request.params), "index")
        given = _listed(request.params.get(place))
        names = [name for name in given if "*" not in name and name != "_all" and not name.startswith("-")]
        if len(names) < len(given) or not given:
            seen = [name for name in self._all() if privileges.grants_on(caller.roles or (), action, name)]
            hidden = {index.name for index in self._indices if index.settings.get("hidden") == "true"}
            expand = index_names.expanded(request.text("expand_wildcards", "open"))
            narrowed, _ = index_names.chosen(request.params.get(place, ""), seen, hidden, expand)
            request.params[place] = ",".join(dict.fromkeys([*names, *narrowed])) or _NOTHING
        aliases = _listed(request.params.get("name")) if place == "index" else []
        return [*names, *(name for name in aliases if "*" not in name and name != "_all")]

    def _all(self) -> list[str]:
        names = dict.fromkeys(name for index in self._indices for name in (index.name, *index.aliases))
        return list(names | dict.fromkeys(self._indices.streams.names()))


def _written(api: str, request: Request) -> list[str]:
    """The indices that a request names in its body or its path."""
    path = _listed(request.params.get("index"))
    if api == "mget":
        docs = _body(request).get("docs") or [{}]
        return [str(one.get("_index") or (path or [""])[0]) for one in docs if isinstance(one, dict)]
    if api != "bulk":
        return path
    found = dict.fromkeys(path)
    is_document = False
    for line in request.lines():
        if is_document:
            is_document = False
            continue
        try:
            action = orjson.loads(line)
        except orjson.JSONDecodeError:
            break  # refused by the handler, before anything is written
        kind, fields = next(iter(action.items())) if isinstance(action, dict) and action else ("", {})
        is_document = kind != "delete"
        if isinstance(fields, dict) and fields.get("_index"):
            found[str(fields["_index"])] = None
    return list(found)


def _of_aliases(body: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for action in body.get("actions") or ():
        for fields in action.values() if isinstance(action, dict) else ():
            parts = ("index", "indices", "alias", "aliases") if isinstance(fields, dict) else ()
            names += [name for part in parts for name in _listed(fields.get(part))]
    return names


def _body(request: Request) -> dict[str, Any]:
    return request.json() if request.body.strip() else {}


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _listed(value: Any) -> list[str]:
    """Names in a list, or with commas between them."""
    given = value if isinstance(value, list) else str(value or "").split(",")
    return [str(name) for name in given if name]
