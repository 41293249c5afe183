"""Aliases: second names, moved atomically from one index to another."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_NAMED = ("index", "indices", "alias", "aliases")
_DEFINITION = ("filter", "routing", "index_routing", "search_routing", "is_write_index", "is_hidden")


class AliasApi:
    """Aliases; how actions are applied stands below the handlers."""

    def __init__(self, indices: Indices, release: Release) -> None:
        self._indices = indices
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.update_aliases", "POST", "/_aliases", self.update_aliases, changes=True),
            Route("indices.put_alias", "PUT POST", "/{index}/_alias/{name}", self.put_alias, changes=True),
            Route(
                "indices.delete_alias", "DELETE", "/{index}/_alias/{name}", self.delete_alias, changes=True
            ),
            Route("indices.get_alias", "GET", "/_alias", self.get_or_exists),
            Route("indices.get_alias", "GET", "/_alias/{name}", self.get_or_exists),
            Route("indices.get_alias", "GET", "/{index}/_alias", self.get_or_exists),
            Route("indices.get_alias", "GET", "/{index}/_alias/{name}", self.get_or_exists),
        )

    def update_aliases(self, request: Request) -> dict[str, Any]:
        """`POST /_aliases`: all actions or none."""
        actions = request.fields("aliases", "actions").get("actions")
        if not isinstance(actions, list) or not actions:
            raise errors.VALIDATION.refusal(problems="1: Must specify at least one alias action;")
        before = [index.aliases for index in self._indices]
        with self._indices.together():
            for action in actions:
                if not isinstance(action, dict) or len(action) != 1:
                    raise errors.PARSING.refusal(problem="Too many operations declared in one action")
                ((kind, fields),) = action.items()
                self._apply(kind, fields)
            self._check_writers()
        request.changed = before != [index.aliases for index in self._indices]
        request.resource = ",".join(dict.fromkeys(name for action in actions for name in _aliases(action)))
        return {"acknowledged": True, **({"errors": False} if self._release.aliases_say_errors else {})}

    def put_alias(self, request: Request) -> dict[str, Any]:
        """`PUT /{index}/_alias/{name}`."""
        given = request.fields("alias", *_DEFINITION)
        fields = {"index": request.params["index"], "alias": request.params["name"], **given}
        with self._indices.together():
            self._apply("add", fields)
            self._check_writers()
        request.resource = request.params["name"]
        return {"acknowledged": True}

    def delete_alias(self, request: Request) -> dict[str, Any]:
        """`DELETE /{index}/_alias/{name}`."""
        fields = {"index": request.params["index"], "aliases": request.params["name"].split(",")}
        with self._indices.together():
            self._apply("remove", {**fields, "must_exist": True})
        request.resource = request.params["name"]
        return {"acknowledged": True}

    def get_alias(self, request: Request) -> Reply:
        """`GET /_alias`, by index, by name, or by both; 404 if a name is missing, together with what was found."""
        name = request.params.get("name")
        patterns = None if name in (None, "_all", "*") else name.split(",")
        found: dict[str, dict[str, Any]] = {}
        for index in self._indices.named_by(request, "metadata_read"):
            aliases = {
                alias: definition
                for alias, definition in index.aliases.items()
                if patterns is None or any(fnmatchcase(alias, pattern) for pattern in patterns)
            }
            if aliases or (patterns is None and name is None):
                found[index.name] = {"aliases": aliases}
        there = {alias for each in found.values() for alias in each["aliases"]}
        missing = [pattern for pattern in patterns or [] if "*" not in pattern and pattern not in there]
        if missing:
            few = "alias" if len(missing) == 1 else "aliases"
            return Reply(
                {"error": f"{few} [{','.join(sorted(missing))}] missing", "status": 404, **found}, 404
            )
        return Reply(found)

    def exists_alias(self, request: Request) -> Reply:
        """`HEAD /_alias/{name}`."""
        reply = self.get_alias(request)
        there = reply.status == 200 and any(each["aliases"] for each in reply.body.values())
        return Reply({}, 200 if there else 404)

    def get_or_exists(self, request: Request) -> Reply:
        """GET and HEAD answer differently if a pattern matches nothing."""
        return (self.exists_alias if request.method == "HEAD" else self.get_alias)(request)

    def _apply(self, kind: str, fields: Mapping[str, Any]) -> None:
        _check_fields(kind, fields)
        expressions = _list(fields, "index", "indices")
        if not expressions:
            raise errors.VALIDATION.refusal(problems="1: One of [index] or [indices] is required;")
        indices = self._indices.resolve(",".join(expressions), level="metadata_write")
        if kind == "remove_index":
            for expression in expressions:
                if "*" not in expression and not self._indices.get(expression):
                    raise indices_errors.ALIAS_FOR_INDEX.refusal(alias=expression)
            for index in indices:
                self._indices.delete(index)
            return
        aliases = _list(fields, "alias", "aliases")
        if not aliases:
            raise errors.VALIDATION.refusal(problems="1: One of [alias] or [aliases] is required;")
        if kind == "add":
            definition = {name: fields[name] for name in _DEFINITION if fields.get(name) is not None}
            self._add(indices, aliases, _routed(definition))
        else:
            self._remove(indices, aliases, fields.get("must_exist"))

    def _add(self, indices: list[Index], aliases: list[str], definition: Mapping[str, Any]) -> None:
        for index in indices:
            changed = index
            for alias in aliases:
                changed = self._indices.with_alias(changed, alias, definition)
            self._indices.put(changed)

    def _remove(self, indices: list[Index], aliases: list[str], must_exist: bool | None) -> None:
        met = False
        for index in indices:
            left = {
                alias: definition
                for alias, definition in index.aliases.items()
                if not any(fnmatchcase(alias, pattern) for pattern in aliases)
            }
            if left != index.aliases:
                met = True
                self._indices.put(
                    Index(index.name, index.uuid, index.number, index.settings, index.mapping, left)
                )
        # Without must_exist a missing alias is an error as well, if it is a plain name.
        if not met and must_exist is not False:
            shown = ",".join(aliases)
            metadata = {"resource.type": "aliases", "resource.id": shown}
            raise indices_errors.NO_ALIAS.refusal(alias=shown, metadata=metadata)

    def _check_writers(self) -> None:
        writers: dict[str, list[str]] = {}
        for index in self._indices:
            for alias, definition in index.aliases.items():
                if definition.get("is_write_index"):
                    writers.setdefault(alias, []).append(index.name)
        for alias, found in writers.items():
            if len(found) > 1:
                raise indices_errors.WRITE_INDEX_TWICE.refusal(alias=alias, indices=",".join(found))


def _routed(definition: dict[str, Any]) -> dict[str, Any]:
    both = definition.pop("routing", None)
    return definition if both is None else {**definition, "index_routing": both, "search_routing": both}


def _aliases(action: Mapping[str, Any]) -> list[str]:
    return [name for fields in action.values() for name in _list(fields, "alias", "aliases")]


def _list(fields: Mapping[str, Any], one: str, several: str) -> list[str]:
    found = fields.get(one) or fields.get(several) or []
    return [found] if isinstance(found, str) else list(found)


def _check_fields(kind: str, fields: Mapping[str, Any]) -> None:
    if kind not in ("add", "remove", "remove_index"):
        raise errors.UNKNOWN_FIELD.refusal(parser="alias_action", field=kind)
    for name in fields:
        if name not in (*_DEFINITION, *_NAMED, *(["must_exist"] if kind != "add" else [])):
            raise errors.UNKNOWN_FIELD.refusal(parser=kind, field=name)
