"""The methods that make objects of objects: rewrite, copy, move, compose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sandbox.storage import errors
from sandbox.storage.conditions import Conditions
from sandbox.storage.fields import merged, object_fields, object_resource
from sandbox.storage.names import check_object
from sandbox.storage.objects import find_bucket, find_object
from sandbox.storage.store import Content, Object, Store
from sandbox.storage.wire.exchange import Reply, Request
from sandbox.storage.wire.methods import Handler

_MOST_SOURCES = 32
"""Sources of one compose request, as documented."""


class Copies:
    """New objects with the contents of others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.handlers: dict[str, Handler] = {
            "storage.objects.rewrite": self.rewrite,
            "storage.objects.copy": self.copy,
            "storage.objects.move": self.move,
            "storage.objects.compose": self.compose,
        }

    async def rewrite(self, request: Request) -> Reply:
        """Copy an object, always within one call."""
        made = await self._copied(request)
        size = str(made.content.size)
        body = {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": size,
            "objectSize": size,
            "done": True,
            "resource": object_resource(made, request.address),
        }
        return Reply(body, changed=f"{made.bucket}/{made.name}")

    async def copy(self, request: Request) -> Reply:
        """Copy an object."""
        made = await self._copied(request)
        return Reply(object_resource(made, request.address), changed=f"{made.bucket}/{made.name}")

    async def move(self, request: Request) -> Reply:
        """Rename an object within its bucket."""
        bucket, name = request.params["bucket"], check_object(request.params["destinationObject"])
        source = find_object(self._store, request, bucket, request.params["sourceObject"], "sourceGeneration")
        Conditions.of(request, "ifSource").check(source)
        Conditions.of(request).check(self._store.object(bucket, name))
        made = self._store.create(
            bucket, name, self._linked(source), source.fields, components=source.components, moved=source
        )
        return Reply(object_resource(made, request.address), changed=f"{bucket}/{name}")

    async def compose(self, request: Request) -> Reply:
        """Join objects of one bucket."""
        request.refuse("destinationPredefinedAcl", "kmsKeyName")
        bucket, name = request.params["bucket"], check_object(request.params["destinationObject"])
        find_bucket(self._store, bucket)
        body = await request.body.json()
        conditions = Conditions.of(request)
        fields = object_fields(_map(body, "destination"))
        sources = [self._source(request, bucket, each) for each in _sources(body)]
        conditions.check(self._store.object(bucket, name))
        # Links, because the objects may be deleted while their contents are read in a thread.
        links = [self._store.contents.link(source.content.id) for source in sources]
        try:
            content = await asyncio.to_thread(self._store.contents.joined, links)
        finally:
            self._store.contents.remove(*links)
        components = sum(source.components or 1 for source in sources)
        made = self._create(bucket, name, content, merged({}, fields), conditions, components)
        return Reply(object_resource(made, request.address), changed=f"{bucket}/{name}")

    async def _copied(self, request: Request) -> Object:
        request.refuse("destinationPredefinedAcl", "destinationKmsKeyName")
        body = await request.body.json()
        bucket, name = request.params["destinationBucket"], check_object(request.params["destinationObject"])
        source = find_object(
            self._store,
            request,
            request.params["sourceBucket"],
            request.params["sourceObject"],
            "sourceGeneration",
        )
        Conditions.of(request, "ifSource").check(source)
        find_bucket(self._store, bucket)
        conditions = Conditions.of(request)
        conditions.check(self._store.object(bucket, name))
        fields = merged({}, object_fields(body)) or source.fields
        return self._create(bucket, name, self._linked(source), fields, conditions, source.components)

    def _create(
        self,
        bucket: str,
        name: str,
        content: Content,
        fields: dict[str, Any],
        conditions: Conditions,
        components: int | None,
    ) -> Object:
        try:
            find_bucket(self._store, bucket)  # it may have been deleted meanwhile
            conditions.check(self._store.object(bucket, name))
        except errors.Refusal:
            self._store.contents.remove(content.id)
            raise
        return self._store.create(bucket, name, content, fields, components=components)

    def _linked(self, source: Object) -> Content:
        content = source.content
        return Content(self._store.contents.link(content.id), content.size, content.crc32c, content.md5)

    def _source(self, request: Request, bucket: str, given: Mapping[str, Any]) -> Object:
        query = {"generation": str(given["generation"])} if given.get("generation") else {}
        wanted = _map(given, "objectPreconditions").get("ifGenerationMatch")
        query |= {} if wanted is None else {"ifGenerationMatch": str(wanted)}
        own = Request(request.method, request.params, query, request.headers, request.body, request.address)
        found = find_object(self._store, own, bucket, check_object(given.get("name")))
        Conditions.of(own).check(found)
        return found


def _sources(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = body.get("sourceObjects")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise errors.REQUIRED.refusal(name="sourceObjects")
    if not 1 <= len(found) <= _MOST_SOURCES:
        raise errors.INVALID.refusal(
            problem=f"The number of source components provided ({len(found)}) is not 1 to {_MOST_SOURCES}."
        )
    return found


def _map(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name) or {}
    if not isinstance(found, dict):
        raise errors.INVALID.refusal(problem=f"Invalid value for {name}: not an object.")
    return found
