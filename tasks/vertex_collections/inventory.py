"""What a teardown removes of a collection, and the proof that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.cloud import vectorsearch_v1 as v1

from tasks.errors import PermanentError
from tasks.marks import is_ours
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import calling
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import collection_of, find_collection, refuse_stranger
from tasks.vertex_collections.operations import unfinished_of


class IndexesOfOthers(PermanentError):
    """A collection of ours has indexes that we did not make."""

    def __init__(self, name: str, *, indexes: Sequence[str]) -> None:
        self.name, self.indexes = name, tuple(indexes)
        super().__init__(
            f"The collection {name!r} also has indexes that this project did not make: {', '.join(indexes)}. Nothing was changed: "
            "they would go with the collection. Ask whoever made them to delete them, then run it again."
        )


@dataclass(frozen=True, kw_only=True)
class CollectionInventory:
    """What the service holds of a name."""

    collection: str
    """Its resource name; empty when there is none."""
    making: bool
    """Whether an unfinished operation would still create it."""
    indexes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    """Indexes that others made."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, and nothing will appear later."""
        return not self.collection and not self.making

    def __str__(self) -> str:
        if self.is_empty:
            return "nothing"
        parts = (
            f"collection {self.collection} with all data objects",
            *(f"index {one}" for one in self.indexes),
        )
        return "; ".join(parts) if self.collection else "a collection that is being created"


@step("read everything of collection {name}")
def read_collection_inventory(settings: VertexSettings, name: str) -> CollectionInventory:
    """Everything that we made under a name.

    Raises:
        NotOurs: somebody else made the collection.
    """
    resource = collection_of(settings, name)
    making = any(operation.verb == "create" for operation in unfinished_of(settings, resource))
    there = find_collection(settings, name)
    if there is None:
        return CollectionInventory(collection="", making=making)
    refuse_stranger(there, name)
    indexes = [] if making else _indexes(settings, resource)
    return CollectionInventory(
        collection=resource,
        making=making,
        indexes=tuple(each.name for each in indexes if is_ours(each.labels, name)),
        foreign=tuple(each.name for each in indexes if not is_ours(each.labels, name)),
    )


def refuse_foreign_indexes(name: str, there: CollectionInventory) -> None:
    """See that nothing of others would go with a collection.

    Raises:
        IndexesOfOthers: something would.
    """
    if there.foreign:
        raise IndexesOfOthers(name, indexes=there.foreign)


def _indexes(settings: VertexSettings, resource: str) -> list[v1.Index]:
    with calling(f"list the indexes of {resource}"):
        return list(
            connect(settings).collections.list_indexes(parent=resource, timeout=CALL_SECONDS, retry=None)
        )
