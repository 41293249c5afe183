"""What Vertex AI does in a bucket: it reads the files of an import, and writes what is wrong with them. It needs no key."""

from __future__ import annotations

from typing import BinaryIO

from sandbox.storage.store import Store

_AT_ONCE = 1000


class StorageError(Exception):
    """A bucket or an object does not exist."""


class Reader:
    """Reads objects from the store, as the service reads import files."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """The names of the objects under `prefix`, in their order.

        Raises:
            StorageError: the bucket does not exist.
        """
        if self._store.bucket(bucket) is None:
            raise StorageError("HTTP status 404")
        names: list[str] = []
        start = prefix.encode()
        while page := list(self._store.objects(bucket, start, _AT_ONCE)):
            names += [found.name for found in page if found.name.startswith(prefix)]
            if not page[-1].name.startswith(prefix):
                break
            start = page[-1].name.encode() + b"\0"
        return names

    def write(self, bucket: str, name: str, content: bytes) -> None:
        """Store an object, as an import does with its errors.

        Raises:
            StorageError: the bucket does not exist.
        """
        if self._store.bucket(bucket) is None:
            raise StorageError("HTTP status 404")
        writing = self._store.contents.begin()
        writing.write(content)
        self._store.create(bucket, name, writing.finish(), {"contentType": "application/json"})

    def open(self, bucket: str, name: str) -> BinaryIO:
        """The content of an object, to be closed by the caller.

        Raises:
            StorageError: there is no such object.
        """
        found = self._store.object(bucket, name)
        if found is None:
            raise StorageError("HTTP status 404")
        try:
            return self._store.contents.open(found.content.id)
        except OSError as error:  # replaced or deleted in this very moment
            raise StorageError(str(error.strerror)) from error
