"""Collections and their indexes: lookup, listings, creation under the id that the caller chose, and request ids."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.longrunning import operations_pb2

from sandbox.vertex import errors, names
from sandbox.vertex.collections.schemas import check_id
from sandbox.vertex.operations.lifecycle import Lifecycle
from sandbox.vertex.resources import filters
from sandbox.vertex.store import Resource, Store, Table
from sandbox.vertex.wire.paging import page

COLLECTION, INDEX = "Collection", "CollectionIndex"
MESSAGES: dict[str, Any] = {COLLECTION: v1.Collection.pb(), INDEX: v1.Index.pb()}
_ID_FIELDS = {COLLECTION: "collection", INDEX: "index"}


@dataclass
class Asked:
    """A request with an id of its own, so that its repetition is recognised."""

    key: str
    operation: str


class Resources:
    """All of them."""

    def __init__(self, store: Store, lifecycle: Lifecycle) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._asked = Table(store, Asked)

    def once(self, request: Any, act: Callable[[], operations_pb2.Operation]) -> operations_pb2.Operation:
        """What `act` starts, or what it started when a request with the same request id came before."""
        key = f"{request.DESCRIPTOR.name} {request.request_id}"
        with self._store.transaction():
            known = self._asked.get(key) if request.request_id else None
            begun = self._store.operations.get(known.operation) if known else None
            if begun is not None:
                return self._lifecycle.message(begun)
            started = act()
            if request.request_id:
                self._asked.put(Asked(key, started.name))
            return started

    def find(self, kind: str, name: str) -> Resource:
        """A resource, finished or being created.

        Raises:
            Refusal: NOT_FOUND, or a malformed name.
        """
        canonical = names.resource(kind, name)
        found = self._store.resources.get(canonical)
        if found is None or found.kind != kind:
            raise errors.NOT_FOUND.refusal(kind=kind.removeprefix("Collection") or kind, name=canonical)
        return found

    def ready(self, kind: str, name: str) -> Resource:
        """A resource whose creation is done.

        Raises:
            Refusal: also FAILED_PRECONDITION while it is being created.
        """
        found = self.find(kind, name)
        if not found.ready_at:
            raise errors.NOT_READY.refusal(kind=kind, name=found.name, operation="its creation")
        return found

    def message(self, resource: Resource) -> Any:
        """A resource as clients see it."""
        return MESSAGES[resource.kind].FromString(resource.message)

    def collection(self, name: str) -> tuple[str, Any]:
        """The canonical name of a collection that is ready, and its message."""
        found = self.ready(COLLECTION, name)
        return found.name, self.message(found)

    def enter(self, kind: str, name: str, message: Any) -> Resource:
        """Enter a new resource, not ready yet.

        Raises:
            Refusal: a malformed id, or ALREADY_EXISTS.
        """
        check_id(_ID_FIELDS[kind], name.rpartition("/")[2])
        if self._store.resources.get(name) is not None:
            raise errors.COLLECTION_EXISTS.refusal(kind=_ID_FIELDS[kind], name=name)
        message.name = name
        message.create_time.GetCurrentTime()
        created = Resource(name, kind, self._store.resources.next_sequence(), b"")
        self.save(created, message)
        return created

    def save(self, resource: Resource, message: Any) -> None:
        """Keep a changed message, with a new update time."""
        message.update_time.GetCurrentTime()
        resource.message = message.SerializeToString()
        self._store.resources.put(resource)

    def finish_creation(self, kind: str, name: str) -> Any:
        """Mark a resource as ready and return its message."""
        resource = self.find(kind, name)
        message, resource.ready_at = self.message(resource), time.time()
        self.save(resource, message)
        return message

    def below(self, kind: str, parent: str) -> list[Resource]:
        """The resources of a kind in a location or a collection, newest first."""
        prefix = f"{parent}/"
        return self._store.resources.where(
            "kind = ? AND substr(name, 1, ?) = ? ORDER BY sequence DESC", kind, len(prefix), prefix
        )

    def listed(self, kind: str, parent: str, request: Any) -> tuple[list[Any], str]:
        """One page of them, and the next token.

        Raises:
            Refusal: INVALID_ARGUMENT for a filter or a token that is not understood; UNIMPLEMENTED for an order.
        """
        if request.order_by:
            raise errors.NOT_IMITATED.refusal(what=f"order_by ({request.order_by!r})")
        condition = filters.parse(request.filter, _ID_FIELDS[kind])
        found = self.below(kind, parent)
        for each in found:
            self._lifecycle.look(each.name)
        fulfilled = [each for each in found if condition(self.message(each))]
        shown, token = page(fulfilled, lambda each: each.sequence, request.page_size, request.page_token)
        return [self.message(each) for each in shown], token

    def delete(self, name: str) -> None:
        """Delete one."""
        self._store.resources.delete(name)
