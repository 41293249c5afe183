"""The methods storage.objects.* that pass no contents: get, list, patch, update, delete."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.storage import errors
from sandbox.storage.conditions import Conditions
from sandbox.storage.downloads import download
from sandbox.storage.fields import merged, object_fields, object_resource
from sandbox.storage.names import check_bucket, check_object
from sandbox.storage.pages import page_size, start_of, token_of
from sandbox.storage.store import Bucket, Object, Store
from sandbox.storage.wire.exchange import Reply, Request
from sandbox.storage.wire.methods import Handler

_LISTED = 1000
"""Items and prefixes of one page at most, as documented."""


class Objects:
    """Objects as they are listed and described."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.handlers: dict[str, Handler] = {
            "storage.objects.get": self.get,
            "storage.objects.list": self.list,
            "storage.objects.patch": self.patch,
            "storage.objects.update": self.update,
            "storage.objects.delete": self.delete,
        }

    async def get(self, request: Request) -> Reply:
        """Show an object, or its content with `alt=media`."""
        found = find_object(self._store, request, request.params["bucket"], request.params["object"])
        Conditions.of(request).check_read(found)
        if request.query.get("alt") == "media":
            return download(self._store, request, found)
        return Reply(object_resource(found, request.address))

    async def list(self, request: Request) -> Reply:
        """List objects by name, those behind a delimiter as one prefix."""
        request.refuse("matchGlob", "softDeleted", "filter", "includeTrailingDelimiter")
        bucket = find_bucket(self._store, request.params["bucket"])
        body: dict[str, object] = {"kind": "storage#objects"}
        items: list[dict[str, object]] = []
        prefixes: list[str] = []
        most = page_size(request, _LISTED)
        for name, found in self._entries(bucket.name, request):
            if len(items) + len(prefixes) == most:
                body["nextPageToken"] = token_of(name)
                break
            if found is None:
                prefixes.append(name.decode())
            else:
                items.append(object_resource(found, request.address))
        body |= {"items": items} if items else {}
        return Reply(body | ({"prefixes": prefixes} if prefixes else {}))

    async def patch(self, request: Request) -> Reply:
        """Change some metadata."""
        change = object_fields(await request.body.json())
        found = find_object(self._store, request, request.params["bucket"], request.params["object"])
        return self._changed(request, found, merged(found.fields, change))

    async def update(self, request: Request) -> Reply:
        """Replace all metadata."""
        given = object_fields(await request.body.json())
        found = find_object(self._store, request, request.params["bucket"], request.params["object"])
        return self._changed(request, found, merged({}, given))

    async def delete(self, request: Request) -> Reply:
        """Delete an object."""
        found = find_object(self._store, request, request.params["bucket"], request.params["object"])
        Conditions.of(request).check(found)
        self._store.remove_object(found)
        return Reply(status=204, changed=f"{found.bucket}/{found.name}")

    def _changed(self, request: Request, found: Object, fields: dict[str, object]) -> Reply:
        request.refuse("predefinedAcl")
        Conditions.of(request).check(found)
        changed = self._store.change(found, fields)
        return Reply(object_resource(changed, request.address), changed=f"{found.bucket}/{found.name}")

    def _entries(self, bucket: str, request: Request) -> Iterator[tuple[bytes, Object | None]]:
        """The objects with their names, and the prefixes that stand for several, in the order of their bytes."""
        prefix, delimiter = (request.query.get(each, "").encode() for each in ("prefix", "delimiter"))
        last = request.query.get("endOffset", "").encode()
        start = max(prefix, request.query.get("startOffset", "").encode(), start_of(request))
        while True:
            found = None
            for found in self._store.objects(bucket, start, _LISTED):
                name = found.name.encode()
                if not name.startswith(prefix) or (last and name >= last):
                    return
                head, mark, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, b"", b"")
                if mark:
                    group = prefix + head + mark
                    yield group, None
                    start = _past(group)
                    break
                yield name, found
                start = name + b"\0"
            if found is None:
                return


def find_bucket(store: Store, name: str) -> Bucket:
    """The bucket of that name.

    Raises:
        Refusal: there is none, or no bucket can have that name.
    """
    found = store.bucket(check_bucket(name))
    if found is None:
        raise errors.NO_BUCKET.refusal()
    return found


def find_object(store: Store, request: Request, bucket: str, name: str, which: str = "generation") -> Object:
    """The live object of that name; `which` is the parameter with its generation.

    Raises:
        Refusal: there is none, or none of that generation, or no object can have that name.
    """
    check_object(name)
    find_bucket(store, bucket)
    found = store.object(bucket, name)
    generation = request.number(which)
    if found is None or generation not in (None, found.generation):
        raise errors.NO_OBJECT.refusal(bucket=bucket, name=name)
    return found


def _past(group: bytes) -> bytes:
    """The first name after all that begin so; UTF-8 has no byte 0xFF, so that the last one can be counted up."""
    return group[:-1] + bytes([group[-1] + 1])
