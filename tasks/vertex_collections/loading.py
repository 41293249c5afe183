"""Data objects in batches: created or replaced until a collection holds exactly the rows of a file.

A batch takes effect as a whole or not at all ("Data objects", docs/sources.md), so a repeated one finds all of its data objects
or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import field_mask_pb2

from tasks.batches import attempt_each, batches
from tasks.calls import NotFound
from tasks.plurals import counted
from tasks.progress import Progress
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import AlreadyExists, calling
from tasks.vertex.data.matrices import BLOCK_ROWS
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import collection_of
from tasks.vertex_collections.ids import data_object_id
from tasks.waiting import Deadline, Look

MOST_IN_A_BATCH = 1000
"""Of the service (BatchCreateDataObjectsRequest.requests)."""
MOST_BYTES = 3_000_000
"""Of vectors in one request: gRPC servers take four megabytes of a message unless they are set otherwise."""
PAGE = 1000
"""The largest page of a query (QueryDataObjectsRequest.page_size)."""
_ROW_BYTES = 256
_WHOLE = field_mask_pb2.FieldMask(paths=["data", "vectors"])


@dataclass(frozen=True)
class DataObject:
    """One that is to be stored."""

    id: str
    data: dict[str, Any]
    vectors: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes within a request, roughly."""
        dense = (vector.get("dense", {}).get("values", ()) for vector in self.vectors.values())
        return 4 * sum(map(len, dense)) + sum(len(str(value)) for value in self.data.values()) + _ROW_BYTES

    def message(self, name: str = "") -> v1.DataObject:
        """As the client sends it."""
        vectors = {
            field: v1.Vector(dense=v1.DenseVector(values=vector["dense"]["values"]))
            for field, vector in self.vectors.items()
        }
        return v1.DataObject(name=name, data=self.data, vectors=vectors)


@step("load data objects into collection {name}")
def apply_data_objects(
    settings: VertexSettings, name: str, source: DataSource, rows: int, deadline: Deadline
) -> int:
    """Store the rows of a validated file in a collection, in batches of at most 1,000. Returns how many were sent.

    Args:
        settings: the target.
        name: of the collection.
        source: the file; its rules are `DataObjectRules`.
        rows: how many it has.
        deadline: for all of it.

    Raises:
        DeadlinePassed: with how far it came; a second run continues.
    """

    def data_objects() -> Iterator[DataObject]:
        with opened(settings, source) as file:
            for block in file.blocks(source.rules.columns):
                for record in source.rules.records(block):
                    line: Any = record
                    vectors = {
                        field: {"dense": {"values": vector["dense"]["values"].tolist()}}
                        for field, vector in line["vectors"].items()
                    }
                    yield DataObject(line["id"], line["data"], vectors)

    return upsert(settings, name, data_objects(), rows, deadline)


@step("remove other data objects from collection {name}")
def apply_removal_of_strays(
    settings: VertexSettings, name: str, source: DataSource, rows: int, deadline: Deadline
) -> int:
    """Remove the data objects of a collection that are not in a file, whose rows are all there. Returns how many went."""
    there = list_ids(settings, name)
    if len(there) <= rows:
        return 0
    with opened(settings, source) as file:
        for start in range(0, file.rows, BLOCK_ROWS):
            there.difference_update(map(data_object_id, file.ids(start, min(start + BLOCK_ROWS, file.rows))))
    return remove_ids(settings, name, sorted(there), deadline)


def upsert(
    settings: VertexSettings, name: str, data_objects: Iterable[DataObject], total: int, deadline: Deadline
) -> int:
    """Create or replace data objects, in batches of at most 1,000. Returns how many were sent.

    Raises:
        DeadlinePassed: with how far it came.
    """
    parts = batches(data_objects, most=MOST_IN_A_BATCH, most_bytes=MOST_BYTES, size_of=lambda each: each.size)
    return attempt_each(
        f"upsert data objects into collection {name}",
        parts,
        partial(store, settings, name, list_ids(settings, name)),
        deadline,
        total=total,
        outcome="stored",
        unit="data objects",
    )


@step("remove data objects from collection {name}")
def apply_removals(settings: VertexSettings, name: str, ids: Sequence[str], deadline: Deadline) -> int:
    """Remove data objects by their ids in the service, in batches of at most 1,000. Returns how many there were of them."""
    there = list_ids(settings, name).intersection(ids)
    return remove_ids(settings, name, sorted(there), deadline)


@step("look which data objects of collection {name} are there")
def read_present(settings: VertexSettings, name: str, ids: Sequence[str]) -> set[str]:
    """Which of these ids a collection holds."""
    return list_ids(settings, name).intersection(ids)


def list_ids(settings: VertexSettings, name: str) -> set[str]:
    """The ids of all data objects of a collection, read in pages."""
    what, found = f"list the data objects of collection {name}", set[str]()
    request = v1.QueryDataObjectsRequest(parent=collection_of(settings, name), page_size=PAGE)
    with Progress(what) as progress, calling(what):
        pages = connect(settings).searches.query_data_objects(request, timeout=CALL_SECONDS, retry=None).pages
        for page in pages:
            found.update(each.name.rpartition("/")[2] for each in page.data_objects)
            if page.next_page_token:
                progress.see(f"{len(found):,} so far")
        if progress.is_shown:
            progress.end(counted(len(found), "data object"))
    return found


def store(settings: VertexSettings, name: str, there: set[str], part: Sequence[DataObject]) -> Look[bool]:
    """Create the data objects of a batch that are not there, and replace those that are."""
    new = [each for each in part if each.id not in there]
    old = [each for each in part if each.id in there]
    if new:
        try:
            _create(settings, name, new)
        except AlreadyExists:  # all of them: the reply to an earlier attempt was lost
            old += new
    if old:
        _replace(settings, name, old)
    return Look(seen="stored", value=True, done=True)


def _create(settings: VertexSettings, name: str, part: Sequence[DataObject]) -> None:
    parent = collection_of(settings, name)
    requests = [
        v1.CreateDataObjectRequest(parent=parent, data_object_id=each.id, data_object=each.message())
        for each in part
    ]
    with calling(f"create data objects in collection {name}"):
        connect(settings).data_objects.batch_create_data_objects(
            v1.BatchCreateDataObjectsRequest(parent=parent, requests=requests),
            timeout=CALL_SECONDS,
            retry=None,
        )


def _replace(settings: VertexSettings, name: str, part: Sequence[DataObject]) -> None:
    parent = collection_of(settings, name)
    requests = [
        v1.UpdateDataObjectRequest(
            data_object=each.message(f"{parent}/dataObjects/{each.id}"), update_mask=_WHOLE
        )
        for each in part
    ]
    with calling(f"replace data objects in collection {name}"):
        connect(settings).data_objects.batch_update_data_objects(
            v1.BatchUpdateDataObjectsRequest(parent=parent, requests=requests),
            timeout=CALL_SECONDS,
            retry=None,
        )


def remove_ids(settings: VertexSettings, name: str, ids: Sequence[str], deadline: Deadline) -> int:
    """Remove data objects in batches of at most 1,000; those that are gone already do no harm."""
    rest = iter(ids)
    parts = iter(lambda: list(islice(rest, MOST_IN_A_BATCH)), list[str]())
    return attempt_each(
        f"remove data objects from collection {name}",
        parts,
        partial(_delete, settings, name),
        deadline,
        total=len(ids),
        outcome="removed",
        unit="data objects",
    )


def _delete(settings: VertexSettings, name: str, part: Sequence[str]) -> Look[bool]:
    parent = collection_of(settings, name)
    requests = [v1.DeleteDataObjectRequest(name=f"{parent}/dataObjects/{each}") for each in part]
    try:
        with calling(f"remove data objects from collection {name}"):
            connect(settings).data_objects.batch_delete_data_objects(
                v1.BatchDeleteDataObjectsRequest(parent=parent, requests=requests),
                timeout=CALL_SECONDS,
                retry=None,
            )
    except NotFound:
        left = list_ids(settings, name) & set(part)
        if left:  # somebody removed some of them in between
            _delete(settings, name, sorted(left))
    return Look(seen="removed", value=True, done=True)
