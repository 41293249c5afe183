"""Resumable uploads, as "Perform resumable uploads" documents them.

What has arrived is on disk, so that an upload goes on after a lost connection, and after the death of this process.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sandbox.storage import errors
from sandbox.storage.checksums import KINDS, claimed
from sandbox.storage.conditions import Conditions
from sandbox.storage.contents import Writing
from sandbox.storage.fields import object_resource
from sandbox.storage.store import Object, Store, Upload
from sandbox.storage.wire.exchange import ClientGone, Reply, Request

_UNIT = 1 << 18
"""All chunks but the last are multiples of 256 KiB."""
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(?:(\d{1,18})|\*)")
Finish = Callable[[str, str, Writing, dict[str, Any], Mapping[str, str], Conditions, Upload | None], Object]


@dataclass(frozen=True)
class _Chunk:
    """What a Content-Range header says."""

    start: int | None = None
    """None: the request asks how much has arrived, and sends nothing."""
    size: int | None = None
    """None: as much as comes."""
    total: int | None = None
    is_last: bool = False


class Resumable:
    """The uploads that have begun."""

    def __init__(self, store: Store, finish: Finish) -> None:
        self._store = store
        self._finish = finish
        self._open: dict[str, Writing] = {}
        self._turns: dict[str, object] = {}
        """Who writes: a request whose connection was lost may still be here when the next one comes."""

    def begin(self, request: Request, name: str, fields: dict[str, Any], checksums: dict[str, str]) -> Reply:
        """Begin an upload; the reply says where its chunks go."""
        bucket, id_ = request.params["bucket"], secrets.token_urlsafe(32)
        writing = self._store.contents.begin()
        self._open[id_] = writing
        query = {key: value for key, value in request.query.items() if key.startswith("if")}
        self._store.put_upload(Upload(id_, bucket, name, writing.id, fields, query | checksums))
        place = f"{request.address}/upload/storage/v1/b/{quote(bucket, safe='')}/o?uploadType=resumable&upload_id={id_}"
        return Reply(headers={"Location": place, "X-GUploader-UploadID": id_})

    async def take(self, request: Request) -> Reply:
        """Take a chunk, or say how much has arrived.

        Raises:
            Refusal: no such upload, a chunk that does not follow, a content that is not as announced.
            ClientGone: the connection was lost; what has arrived stays.
        """
        upload = self._store.upload(request.query["upload_id"])
        if upload is None or upload.bucket != request.params["bucket"]:
            raise errors.NO_UPLOAD.refusal()
        if upload.generation is not None:
            return self._finished(request, upload)
        chunk = _chunk(request.headers)
        turn = self._turns[upload.id] = object()
        writing = self._writing(upload)
        if chunk.start is not None:
            try:
                await self._append(request, upload, writing, chunk, turn)
            finally:
                writing.pause()
        if not chunk.is_last and writing.size != chunk.total:
            arrived = {"Range": f"bytes=0-{writing.size - 1}"} if writing.size else {}
            return Reply(status=308, headers=arrived | {"X-GUploader-UploadID": upload.id})
        return self._complete(request, upload, writing)

    def cancel(self, upload_id: str) -> Reply:
        """Forget an upload.

        Raises:
            Refusal: always, with the documented status 499 if there was one.
        """
        upload = self._store.upload(upload_id)
        if upload is None or upload.generation is not None:
            raise errors.NO_UPLOAD.refusal()
        self._writing(upload).discard()
        self._forget(upload)
        self._store.remove_upload(upload)
        raise errors.CANCELLED.refusal()

    async def _append(
        self, request: Request, upload: Upload, writing: Writing, chunk: _Chunk, turn: object
    ) -> None:
        start = chunk.start or 0
        if start > writing.size:
            raise errors.OFFSET.refusal(offset=start, size=writing.size)
        if chunk.size is not None and not chunk.is_last and chunk.size % _UNIT:
            raise errors.SMALL_CHUNK.refusal(size=chunk.size)
        position, most = start, None if chunk.size is None else start + chunk.size
        async for piece in request.body.pieces():
            if self._turns.get(upload.id) is not turn:
                raise ClientGone
            if most is not None and position + len(piece) > most:
                raise errors.BAD_REQUEST.refusal(problem="There is more content than Content-Range says.")
            new = piece[max(writing.size - position, 0) :]
            position += len(piece)
            if new:
                writing.write(new)
        if most is not None and position != most:
            raise errors.BAD_REQUEST.refusal(problem="There is less content than Content-Range says.")

    def _complete(self, request: Request, upload: Upload, writing: Writing) -> Reply:
        given = {kind: upload.query[kind] for kind in KINDS if kind in upload.query}
        own = Request(request.method, request.params, upload.query, {}, request.body, request.address)
        self._forget(upload)
        try:
            made = self._finish(
                upload.bucket,
                upload.name,
                writing,
                upload.fields,
                given | claimed({}, request.headers),
                Conditions.of(own),
                upload,
            )
        except BaseException:
            self._store.remove_upload(upload)
            raise
        return Reply(object_resource(made, request.address), changed=f"{upload.bucket}/{upload.name}")

    def _finished(self, request: Request, upload: Upload) -> Reply:
        """The answer that was lost."""
        found = self._store.object(upload.bucket, upload.name)
        if found is None or found.generation != upload.generation:
            raise errors.NO_UPLOAD.refusal()
        return Reply(object_resource(found, request.address))

    def _writing(self, upload: Upload) -> Writing:
        if upload.id not in self._open:
            self._open[upload.id] = self._store.contents.resume(upload.content)
        return self._open[upload.id]

    def _forget(self, upload: Upload) -> None:
        self._open.pop(upload.id, None)
        self._turns.pop(upload.id, None)


def _chunk(headers: Mapping[str, str]) -> _Chunk:
    header = headers.get("content-range")
    if header is None:
        return _Chunk(start=0, is_last=True)
    found = _RANGE.fullmatch(header.strip())
    if not found:
        raise errors.BAD_REQUEST.refusal(problem="Failed to parse Content-Range header.")
    first, last, total = (None if each is None else int(each) for each in found.groups())
    if first is None or last is None:
        return _Chunk(total=total)
    if last < first or (total is not None and last >= total):
        raise errors.BAD_REQUEST.refusal(problem="Failed to parse Content-Range header.")
    return _Chunk(first, last - first + 1, total, is_last=total is not None and last == total - 1)
