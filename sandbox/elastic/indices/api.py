"""The index APIs: create, get, exists, delete, mappings, settings."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices import blocks, mappings, similarities
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import settings as settings_of_indices
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices, no_index
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_FEATURES = ("aliases", "mappings", "settings")


class IndexApi:
    """Definitions of indices."""

    def __init__(self, indices: Indices) -> None:
        self._indices = indices

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.create", "PUT", "/{index}", self.create, changes=True),
            Route("indices.get", "GET", "/{index}", self.get),
            Route("indices.delete", "DELETE", "/{index}", self.delete, changes=True),
            Route("indices.get_mapping", "GET", "/_mapping", self.get_mapping),
            Route("indices.get_mapping", "GET", "/{index}/_mapping", self.get_mapping),
            Route("indices.get_field_mapping", "GET", "/_mapping/field/{fields}", self.get_field_mapping),
            Route(
                "indices.get_field_mapping", "GET", "/{index}/_mapping/field/{fields}", self.get_field_mapping
            ),
            Route("indices.put_mapping", "PUT POST", "/{index}/_mapping", self.put_mapping, changes=True),
            Route("indices.get_settings", "GET", "/_settings", self.get_settings),
            Route("indices.get_settings", "GET", "/{index}/_settings", self.get_settings),
            Route("indices.get_settings", "GET", "/{index}/_settings/{name}", self.get_settings),
            Route("indices.put_settings", "PUT", "/_settings", self.put_settings, changes=True),
            Route("indices.put_settings", "PUT", "/{index}/_settings", self.put_settings, changes=True),
        )

    def create(self, request: Request) -> dict[str, Any]:
        """`PUT /{index}`."""
        body, name = request.json(), request.params["index"]
        unknown = [key for key in body if key not in ("settings", "mappings", "aliases")]
        if unknown:
            raise errors.PARSING.refusal(problem=f"unknown key [{unknown[0]}] for create index")
        self._indices.create(
            name, body.get("settings") or {}, body.get("mappings") or {}, body.get("aliases") or {}
        )
        request.resource = name
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /{index}`."""
        flat = request.flag("flat_settings")
        features = request.text("features", ",".join(_FEATURES)).split(",")
        for feature in features:
            if feature not in _FEATURES:
                raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"No feature for name [{feature}]")
        return {
            index.name: {
                name: part
                for name, part in (
                    ("aliases", index.aliases),
                    ("mappings", index.mapping),
                    ("settings", settings_of_indices.nested(index.settings, flat)),
                )
                if name in features
            }
            | ({"data_stream": stream.name} if (stream := self._indices.streams.of(index.name)) else {})
            for index in self._indices.named_by(request, "metadata_read")
        }

    def delete(self, request: Request) -> dict[str, Any]:
        """`DELETE /{index}`: by name, never by pattern or alias."""
        names = request.params["index"].split(",")
        if any("*" in name or name == "_all" for name in names):
            raise indices_errors.DESTRUCTIVE.refusal()
        found: dict[str, Index] = {}
        for name in names:
            index = self._indices.get(name)
            if index:
                found[name] = index
            elif not request.flag("ignore_unavailable"):
                if self._indices.streams.get(name):
                    raise indices_errors.STREAM_FOR_INDEX.refusal(name=name)
                if self._indices.behind(name):
                    raise indices_errors.ALIAS_FOR_INDEX.refusal(alias=name)
                raise no_index(name)
        for name in found:
            stream = self._indices.streams.of(name)
            if stream and stream.indices[-1] == name:
                raise indices_errors.STREAM_WRITE_INDEX.refusal(index=name, name=stream.name)
        blocks.refuse(found.values(), "metadata_write", releases=True)
        with self._indices.together():
            for index in found.values():
                self._indices.delete(index)
        request.resource, request.changed = ",".join(found), bool(found)
        return {"acknowledged": True}

    def get_mapping(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_mapping`."""
        return {
            index.name: {"mappings": index.mapping}
            for index in self._indices.named_by(request, "metadata_read")
        }

    def get_field_mapping(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_mapping/field/{fields}`: of fields that hold values; objects have no mapping of their own here."""
        patterns = request.params["fields"].split(",")
        return {
            index.name: {
                "mappings": {
                    path: {"full_name": path, "mapping": {path.rpartition(".")[2]: field.parameters}}
                    for path, field in index.fields.items()
                    if any(fnmatchcase(path, "*" if pattern == "_all" else pattern) for pattern in patterns)
                }
            }
            for index in self._indices.named_by(request, "metadata_read")
        }

    def put_mapping(self, request: Request) -> dict[str, Any]:
        """`PUT /{index}/_mapping`."""
        body = request.json()
        with self._indices.together():
            for index in self._indices.named_by(request, "metadata_write"):
                merged = mappings.merged(index.mapping, body)
                limit = int(index.settings.get("mapping.total_fields.limit", "1000"))
                if mappings.size(merged) > limit:
                    raise indices_errors.FIELD_LIMIT.refusal(
                        limit=limit, added=mappings.size(merged) - mappings.size(index.mapping)
                    )
                similarities.check(mappings.fields(merged).values(), index.settings)
                self._indices.put(self._indices.with_mapping(index, merged))
        request.resource = request.params["index"]
        return {"acknowledged": True}

    def get_settings(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_settings`, or a single setting."""
        flat, name = request.flag("flat_settings"), request.params.get("name", "*")
        wanted = [part.removeprefix("index.").rstrip("*") for part in name.split(",")]
        shown = {}
        for index in self._indices.named_by(request, "metadata_read"):
            chosen = {key: value for key, value in index.settings.items() if key.startswith(tuple(wanted))}
            if chosen:
                shown[index.name] = {"settings": settings_of_indices.nested(chosen, flat)}
        return shown

    def put_settings(self, request: Request) -> dict[str, Any]:
        """`PUT /{index}/_settings`."""
        body = request.json()
        changes = settings_of_indices.flat(body.get("settings", body))
        if not changes:
            raise errors.VALIDATION.refusal(problems="1: no settings to update;")
        level, kept = (
            None if blocks.unblocks(changes) else "metadata_write",
            request.flag("preserve_existing"),
        )
        with self._indices.together():
            for index in self._indices.named_by(request, level):
                settings_of_indices.check_changeable(changes, f"{index.name}/{index.uuid}")
                new = {
                    name: value for name, value in changes.items() if not (kept and name in index.settings)
                }
                self._indices.put(self._indices.with_settings(index, new))
        request.resource = request.params.get("index", "_all")
        return {"acknowledged": True}
