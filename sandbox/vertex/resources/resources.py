"""What indexes and endpoints have in common: lookup, listings, names, labels and etags."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

from sandbox.vertex import errors, names
from sandbox.vertex.operations.lifecycle import Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.resources import filters
from sandbox.vertex.store import Resource, Store
from sandbox.vertex.wire.paging import page

_LONGEST_DISPLAY_NAME = 128
_LONGEST_LABEL = 64
_MOST_LABELS = 64
_KEY = re.compile(r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_ID_FIELDS = {"Index": "index", "IndexEndpoint": "index_endpoint"}


class Resources:
    """The resources of one kind."""

    def __init__(
        self, kind: str, message_type: Any, store: Store, lifecycle: Lifecycle, options: VertexOptions
    ) -> None:
        self.kind = kind
        self.type = message_type
        self.store = store
        self._lifecycle = lifecycle
        self._options = options

    def find(self, name: str) -> Resource:
        """The resource, finished or being created.

        Raises:
            Refusal: NOT_FOUND, or a malformed name.
        """
        canonical = names.resource(self.kind, name)
        found = self.store.resources.get(canonical)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind=self.kind, name=canonical)
        return found

    def find_ready(self, name: str) -> Resource:
        """The resource, if its creation is done.

        Raises:
            Refusal: also FAILED_PRECONDITION while it is being created.
        """
        found = self.find(name)
        if not found.ready_at:
            running = self._lifecycle.unfinished("target = ?", found.name)
            raise errors.NOT_READY.refusal(
                kind=self.kind, name=found.name, operation=running[0].name if running else "creation"
            )
        return found

    def message(self, resource: Resource) -> Any:
        """The resource's message as it is kept."""
        return self.type.FromString(resource.message)

    def create(self, parent: str, message: Any) -> Resource:
        """Enter a new resource, not ready yet, under a new name."""
        collection = {"Index": "indexes", "IndexEndpoint": "indexEndpoints"}[self.kind]
        message.name = f"{names.parent(parent)}/{collection}/{names.new_id()}"
        created = Resource(message.name, self.kind, self.store.resources.next_sequence(), b"")
        message.create_time.GetCurrentTime()
        self.save(created, message)
        return created

    def save(self, resource: Resource, message: Any) -> None:
        """Keep a changed message, with a new update time and etag."""
        message.update_time.GetCurrentTime()
        message.ClearField("etag")
        message.etag = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()[:16]
        resource.message = message.SerializeToString()
        self.store.resources.put(resource)

    def finish_creation(self, name: str) -> Any:
        """Mark a resource as ready and return its message."""
        resource = self.find(name)
        message = self.message(resource)
        resource.ready_at = time.time()
        self.save(resource, message)
        return message

    def listed(self, request: Any, show: Callable[[Resource], Any]) -> tuple[list[Any], str]:
        """One page of a location's resources, newest first, each with the fields of the read mask; and the next token.

        Raises:
            Refusal: INVALID_ARGUMENT for a filter, a mask or a token that is not understood.
        """
        prefix = f"{names.parent(request.parent)}/"
        condition = filters.parse(request.filter, _ID_FIELDS[self.kind])
        mask = request.read_mask
        if list(mask.paths) not in ([], ["*"]) and not mask.IsValidForDescriptor(self.type.DESCRIPTOR):
            raise errors.INVALID_READ_MASK.refusal(mask=",".join(mask.paths), kind=self.kind)
        found = self.store.resources.where(
            "kind = ? AND substr(name, 1, ?) = ? ORDER BY sequence DESC", self.kind, len(prefix), prefix
        )
        for each in found:
            self._lifecycle.look(each.name)
        shown = [each for each in found if self._is_listed(each) and condition(self.message(each))]
        selected, next_token = page(shown, lambda each: each.sequence, request.page_size, request.page_token)
        return [self._masked(show(each), mask) for each in selected], next_token

    def _masked(self, message: Any, mask: Any) -> Any:
        if list(mask.paths) in ([], ["*"]):
            return message
        masked = self.type()
        mask.MergeMessage(message, masked)
        return masked

    def _is_listed(self, resource: Resource) -> bool:
        if self._options.list_while_creating:
            since = self.message(resource).create_time.ToMicroseconds() / 1e6
        elif resource.ready_at:
            since = resource.ready_at
        else:
            return False
        return time.time() >= since + self._options.listing_delay


def check_display_name(text: str) -> None:
    """Refuse a missing or overlong display name."""
    if not 0 < len(text) <= _LONGEST_DISPLAY_NAME:
        raise errors.DISPLAY_NAME.refusal()


def check_labels(labels: Any) -> None:
    """Refuse labels that are too long or too many, or have other characters than index.proto allows."""
    if len(labels) > _MOST_LABELS:
        raise errors.TOO_MANY_LABELS.refusal(count=len(labels))
    for key, value in labels.items():
        if not 0 < len(key) <= _LONGEST_LABEL or len(value) > _LONGEST_LABEL or not _is_label(key + value):
            raise errors.INVALID_LABELS.refusal(key=key)


def _is_label(text: str) -> bool:
    return text == text.lower() and text.replace("_", "").replace("-", "").isalnum()


def check_key(message: Any, parent: str) -> None:
    """Refuse the name of a key that is none or lies in another location than the resource."""
    key, location = message.encryption_spec.kms_key_name, names.parent(parent).rpartition("/")[2]
    found = _KEY.fullmatch(key)
    if key and (found is None or found["location"] != location):
        raise errors.KMS_KEY.refusal(key=key, location=location)


def check_etag(given: str, current: str) -> None:
    """Refuse a change that carries the etag of an older version."""
    if given and given != current:
        raise errors.STALE_ETAG.refusal(given=given, current=current)
