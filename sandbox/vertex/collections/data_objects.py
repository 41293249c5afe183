"""The data objects of every collection: kept in the store, and in memory as searches need them.

Rows are in the order of their creation. No rule of the service is in here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.cloud import vectorsearch_v1 as v1
from numpy.typing import NDArray

from sandbox.vertex.store import Store, Table

DataObject = v1.DataObject.pb()


@dataclass
class Kept:
    """One data object in the store."""

    name: str
    collection: str
    sequence: int
    """Order of creation."""
    message: bytes


@dataclass
class Rows:
    """The data objects of one collection in memory."""

    objects: dict[str, Any] = field(default_factory=dict)
    """By their names."""
    dense: dict[str, tuple[list[Any], NDArray[np.float32]]] = field(default_factory=dict)
    """For each dense field that was searched: the data objects that have it, and their vectors."""


class DataObjects:
    """All of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = Table(store, Kept)
        self._rows: dict[str, Rows] = {}
        with store.transaction() as db:
            db.execute("CREATE INDEX IF NOT EXISTS kept_of_collection ON kept (collection, sequence)")

    def of(self, collection: str) -> dict[str, Any]:
        """The data objects of a collection by their names; not to be changed."""
        return self._loaded(collection).objects

    def matrix(self, collection: str, vector_field: str) -> tuple[list[Any], NDArray[np.float32]]:
        """The data objects that have a dense field, and their vectors: float32, [rows, dimensions]."""
        rows = self._loaded(collection)
        with self._store.lock:
            if vector_field not in rows.dense:
                having = [each for each in rows.objects.values() if vector_field in each.vectors]
                vectors = [each.vectors[vector_field].dense.values for each in having]
                rows.dense[vector_field] = having, np.array(vectors, dtype="f4")
            return rows.dense[vector_field]

    def put(self, collection: str, changed: Iterable[Any]) -> None:
        """Keep new and changed data objects, all or none, with a new update time and etag."""
        rows = self._loaded(collection)
        found = list(changed)
        with self._store.transaction():
            for each in found:
                each.update_time.GetCurrentTime()
                if not each.HasField("create_time"):
                    each.create_time.CopyFrom(each.update_time)
                each.etag = ""
                each.etag = hashlib.sha256(each.SerializeToString(deterministic=True)).hexdigest()[:16]
                known = self._table.get(each.name)
                sequence = known.sequence if known else self._table.next_sequence()
                self._table.put(Kept(each.name, collection, sequence, each.SerializeToString()))
            rows.objects.update((each.name, each) for each in found)
            rows.dense.clear()

    def delete(self, collection: str, names: Iterable[str]) -> None:
        """Delete these, all or none."""
        rows = self._loaded(collection)
        found = list(names)
        with self._store.transaction():
            for name in found:
                self._table.delete(name)
            for name in found:
                rows.objects.pop(name, None)
            rows.dense.clear()

    def drop(self, collection: str) -> None:
        """Delete all of a collection."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM kept WHERE collection = ?", (collection,))
            self._rows.pop(collection, None)

    def _loaded(self, collection: str) -> Rows:
        with self._store.lock:
            if collection not in self._rows:
                kept = self._table.where("collection = ? ORDER BY sequence", collection)
                self._rows[collection] = Rows(
                    {each.name: DataObject.FromString(each.message) for each in kept}
                )
            return self._rows[collection]
