"""The methods storage.buckets.*."""

from __future__ import annotations

import time
from dataclasses import replace

from sandbox.storage import errors
from sandbox.storage.conditions import Conditions
from sandbox.storage.fields import bucket_fields, bucket_resource, merged
from sandbox.storage.names import check_bucket
from sandbox.storage.pages import page_size, start_of, token_of
from sandbox.storage.store import Bucket, Store
from sandbox.storage.wire.exchange import Reply, Request
from sandbox.storage.wire.methods import Handler

_LISTED = 1000


class Buckets:
    """Buckets, without what is in them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.handlers: dict[str, Handler] = {
            "storage.buckets.insert": self.insert,
            "storage.buckets.get": self.get,
            "storage.buckets.list": self.list,
            "storage.buckets.patch": self.patch,
            "storage.buckets.update": self.update,
            "storage.buckets.delete": self.delete,
            "storage.buckets.testIamPermissions": self.test_iam_permissions,
        }

    async def insert(self, request: Request) -> Reply:
        """Create a bucket."""
        request.refuse("predefinedAcl", "predefinedDefaultObjectAcl", "enableObjectRetention")
        project = request.required("project")
        body = await request.body.json()
        name, fields = check_bucket(body.get("name")), bucket_fields(body)
        if self._store.bucket(name):
            raise errors.YOURS_ALREADY.refusal()
        now = time.time()
        made = Bucket(name, project, now, now, fields=merged({"location": "US"}, fields))
        self._store.put_bucket(made)
        return Reply(bucket_resource(made, request.address), changed=name)

    async def get(self, request: Request) -> Reply:
        """Show a bucket."""
        found = self._find(request)
        Conditions.of(request).check_bucket(found)
        return Reply(bucket_resource(found, request.address))

    async def list(self, request: Request) -> Reply:
        """List the buckets of a project."""
        project, most = request.required("project"), page_size(request, _LISTED)
        request.refuse("softDeleted")
        start = start_of(request).decode(errors="replace")
        found = self._store.buckets(project, start, request.query.get("prefix", ""), most + 1)
        body = {
            "kind": "storage#buckets",
            "items": [bucket_resource(each, request.address) for each in found[:most]],
        }
        if len(found) > most:
            body["nextPageToken"] = token_of(found[most].name.encode())
        return Reply(body)

    async def patch(self, request: Request) -> Reply:
        """Change some fields."""
        change = bucket_fields(await request.body.json())
        found = self._find(request)
        return self._changed(request, found, merged(found.fields, change))

    async def update(self, request: Request) -> Reply:
        """Replace all fields; the location stays."""
        given = bucket_fields(await request.body.json())
        found = self._find(request)
        location = {"location": found.fields.get("location", "US")}
        return self._changed(request, found, merged({}, given | location))

    async def delete(self, request: Request) -> Reply:
        """Delete an empty bucket."""
        found = self._find(request)
        Conditions.of(request).check_bucket(found)
        if not self._store.remove_bucket(found.name):
            raise errors.NOT_EMPTY.refusal()
        return Reply(status=204, changed=found.name)

    async def test_iam_permissions(self, request: Request) -> Reply:
        """Every permission is granted: nobody is denied anything here."""
        self._find(request)
        granted = request.query.get("permissions")
        return Reply(
            {"kind": "storage#testIamPermissionsResponse", "permissions": [granted] if granted else []}
        )

    def _changed(self, request: Request, found: Bucket, fields: dict[str, object]) -> Reply:
        Conditions.of(request).check_bucket(found)
        if fields.get("location") != found.fields.get("location"):
            raise errors.INVALID.refusal(problem="The location of a bucket cannot be changed.")
        changed = replace(found, fields=fields, metageneration=found.metageneration + 1, updated=time.time())
        self._store.put_bucket(changed)
        return Reply(bucket_resource(changed, request.address), changed=found.name)

    def _find(self, request: Request) -> Bucket:
        found = self._store.bucket(check_bucket(request.params["bucket"]))
        if found is None:
            raise errors.NO_BUCKET.refusal()
        return found
