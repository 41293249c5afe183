"""The method storage.objects.insert: a content in one request, alone or with its metadata, or in several.

Preconditions and names are checked before the content is taken, and preconditions again when it has arrived.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sandbox.storage import errors
from sandbox.storage.checksums import check, claimed
from sandbox.storage.conditions import Conditions
from sandbox.storage.contents import Writing
from sandbox.storage.fields import DEFAULT_TYPE, merged, object_fields, object_resource
from sandbox.storage.names import check_object
from sandbox.storage.objects import find_bucket
from sandbox.storage.resumable import Resumable
from sandbox.storage.store import Object, Store, Upload
from sandbox.storage.wire.exchange import Reply, Request
from sandbox.storage.wire.methods import Handler
from sandbox.storage.wire.related import Related

_KINDS = "media, multipart or resumable"


class Uploads:
    """Contents on their way in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._resumable = Resumable(store, self._finish)
        self.handlers: dict[str, Handler] = {"storage.objects.insert": self.insert}

    async def insert(self, request: Request) -> Reply:
        """Store an object, or a piece of it."""
        for header in request.headers:
            if header.startswith("x-goog-encryption-"):
                raise errors.NOT_IMITATED.refusal(what="A customer-supplied encryption key")
        request.refuse("predefinedAcl", "kmsKeyName")
        if request.method == "DELETE":
            return self._resumable.cancel(request.required("upload_id"))
        if "upload_id" in request.query:
            return await self._resumable.take(request)
        kind = request.query.get("uploadType")
        if kind == "media":
            return await self._media(request)
        if kind == "multipart":
            return await self._multipart(request)
        if kind == "resumable":
            return await self._begin(request)
        raise errors.INVALID.refusal(problem=f"Invalid value for uploadType: {kind!r} is not {_KINDS}.")

    async def _media(self, request: Request) -> Reply:
        name = check_object(request.required("name"))
        fields = object_fields({"contentType": request.headers.get("content-type", DEFAULT_TYPE)})
        return await self._stored(request, name, fields, {}, request.body.pieces())

    async def _multipart(self, request: Request) -> Reply:
        related = Related(request.body, request.headers.get("content-type", ""))
        metadata = await related.metadata()
        name, fields = _named(request, metadata, related.content_type)
        return await self._stored(request, name, fields, metadata, related.content())

    async def _begin(self, request: Request) -> Reply:
        metadata = await request.body.json()
        name, fields = _named(request, metadata, request.headers.get("x-upload-content-type"))
        self._check(request.params["bucket"], name, Conditions.of(request))
        return self._resumable.begin(request, name, fields, claimed(metadata, request.headers))

    async def _stored(
        self,
        request: Request,
        name: str,
        fields: dict[str, Any],
        metadata: Mapping[str, Any],
        pieces: AsyncIterator[bytes],
    ) -> Reply:
        bucket, conditions = request.params["bucket"], Conditions.of(request)
        self._check(bucket, name, conditions)
        writing = self._store.contents.begin()
        try:
            async for piece in pieces:
                writing.write(piece)
        except BaseException:
            writing.discard()
            raise
        given = claimed(metadata, request.headers)
        made = self._finish(bucket, name, writing, fields, given, conditions)
        return Reply(object_resource(made, request.address), changed=f"{bucket}/{name}")

    def _finish(
        self,
        bucket: str,
        name: str,
        writing: Writing,
        fields: dict[str, Any],
        given: Mapping[str, str],
        conditions: Conditions,
        upload: Upload | None = None,
    ) -> Object:
        """Make an object of a content that has arrived; without an object, the content goes."""
        content = writing.finish()
        try:
            check(content, given)
            self._check(bucket, name, conditions)
            return self._store.create(bucket, name, content, fields, finishes=upload)
        except BaseException:
            self._store.contents.remove(content.id)
            raise

    def _check(self, bucket: str, name: str, conditions: Conditions) -> None:
        find_bucket(self._store, bucket)
        conditions.check(self._store.object(bucket, name))


def _named(
    request: Request, metadata: Mapping[str, Any], content_type: str | None
) -> tuple[str, dict[str, Any]]:
    """The name and the metadata of an object; a name in the query wins, as documented."""
    bucket = request.params["bucket"]
    if metadata.get("bucket") not in (None, bucket):
        raise errors.INVALID.refusal(problem=f"The bucket of the metadata is not {bucket}, as in the path.")
    if not request.query.get("name") and metadata.get("name") is None:
        raise errors.REQUIRED.refusal(name="name")
    name = check_object(request.query.get("name") or metadata["name"])
    return name, merged({"contentType": content_type or DEFAULT_TYPE}, object_fields(metadata))
