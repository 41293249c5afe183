"""DataObjectService: data objects one by one and in batches, which take effect as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import empty_pb2

from sandbox.vertex import errors, names
from sandbox.vertex.collections import schemas
from sandbox.vertex.collections.data_objects import DataObject, DataObjects
from sandbox.vertex.collections.resources import COLLECTION, Resources
from sandbox.vertex.resources.resources import check_etag

BatchCreateResponse = v1.BatchCreateDataObjectsResponse.pb()
BatchUpdateResponse = v1.BatchUpdateDataObjectsResponse.pb()
MOST_IN_A_BATCH = 1000
_CHANGEABLE = ("data", "vectors")


class DataObjectService:
    """Methods in the order of data_object_service.proto."""

    def __init__(self, resources: Resources, objects: DataObjects) -> None:
        self._resources, self._objects = resources, objects

    def CreateDataObject(self, request: Any) -> Any:
        """Create one."""
        return self._create(request.parent, [request])[0]

    def BatchCreateDataObjects(self, request: Any) -> Any:
        """Create up to 1,000."""
        self._check_batch(request)
        return BatchCreateResponse(data_objects=self._create(request.parent, request.requests))

    def GetDataObject(self, request: Any) -> Any:
        """One data object with all that is in it."""
        return self._find(request.name)[1]

    def UpdateDataObject(self, request: Any) -> Any:
        """Change one: what the mask names, or without a mask what is set."""
        return self._update([request])[0]

    def BatchUpdateDataObjects(self, request: Any) -> Any:
        """Change up to 1,000."""
        self._check_batch(request)
        self._update(request.requests)
        return BatchUpdateResponse()

    def DeleteDataObject(self, request: Any) -> empty_pb2.Empty:
        """Delete one, if the etag that is given is the current one."""
        return self._delete([request])

    def BatchDeleteDataObjects(self, request: Any) -> empty_pb2.Empty:
        """Delete up to 1,000."""
        self._check_batch(request)
        return self._delete(request.requests)

    def _check_batch(self, request: Any) -> None:
        if not 0 < len(request.requests) <= MOST_IN_A_BATCH:
            problem = f"it holds {len(request.requests)} requests; accepted: 1 to {MOST_IN_A_BATCH}"
            raise errors.INVALID_BATCH.refusal(problem=problem)
        parent = self._resources.find(COLLECTION, request.parent).name
        targets = [_target(each, parent) for each in request.requests]
        for target in targets:
            if not target.startswith(f"{parent}/dataObjects/"):
                raise errors.INVALID_BATCH.refusal(problem=f"{target!r} is not in {parent}")
        if twice := next((each for each in targets if targets.count(each) > 1), ""):
            raise errors.INVALID_BATCH.refusal(problem=f"{twice} is in it twice")

    def _create(self, parent: str, requests: Iterable[Any]) -> list[Any]:
        name, collection = self._resources.collection(parent)
        created: list[Any] = []
        for request in requests:
            message = DataObject(
                name=f"{name}/dataObjects/{request.data_object_id}", data_object_id=request.data_object_id
            )
            message.data.CopyFrom(request.data_object.data)
            message.vectors.MergeFrom(request.data_object.vectors)
            schemas.check_data_object(message, collection)
            if message.name in self._objects.of(name):
                raise errors.COLLECTION_EXISTS.refusal(kind="DataObject", name=message.name)
            created.append(message)
        self._objects.put(name, created)
        return created

    def _update(self, requests: Iterable[Any]) -> list[Any]:
        changed: list[Any] = []
        name = ""
        for request in requests:
            name, current = self._find(request.data_object.name)
            check_etag(request.data_object.etag, current.etag)
            message = DataObject()
            message.CopyFrom(current)
            _merge(message, request.data_object, request.update_mask)
            schemas.check_data_object(message, self._resources.collection(name)[1])
            changed.append(message)
        self._objects.put(name, changed)
        return changed

    def _delete(self, requests: Iterable[Any]) -> empty_pb2.Empty:
        found = []
        name = ""
        for request in requests:
            name, current = self._find(request.name)
            check_etag(request.etag, current.etag)
            found.append(current.name)
        self._objects.delete(name, found)
        return empty_pb2.Empty()

    def _find(self, name: str) -> tuple[str, Any]:
        """The name of its collection, and the data object."""
        canonical = names.resource("DataObject", name)
        collection = self._resources.collection(canonical.partition("/dataObjects/")[0])[0]
        found = self._objects.of(collection).get(canonical)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="DataObject", name=canonical)
        return collection, found


def _target(request: Any, parent: str) -> str:
    """The name of the data object that a part of a batch is about."""
    if "data_object_id" in request.DESCRIPTOR.fields_by_name:
        given = names.resource(COLLECTION, request.parent) if request.parent else parent
        return f"{given}/dataObjects/{request.data_object_id}"
    name = request.name if "name" in request.DESCRIPTOR.fields_by_name else request.data_object.name
    return names.resource("DataObject", name)


def _merge(message: Any, given: Any, mask: Any) -> None:
    """Change `data` and `vectors` as a whole, or the one entry that a path names (`data.year`)."""
    paths = list(mask.paths) or [name for name in _CHANGEABLE if _is_set(given, name)]
    for path in _CHANGEABLE if "*" in paths else paths:
        part, _, key = path.partition(".")
        if part not in _CHANGEABLE:
            problem = f"{path!r} cannot be changed; accepted: {', '.join(_CHANGEABLE)}."
            raise errors.INVALID_UPDATE_MASK.refusal(mask=",".join(mask.paths), problem=problem)
        if not key:
            message.ClearField(part)
            getattr(message, part).MergeFrom(getattr(given, part))
            continue
        entries, there = _entries(message, part), _entries(given, part)
        entries.pop(key, None)
        if key in there:
            entries[key].CopyFrom(there[key])


def _is_set(given: Any, name: str) -> bool:
    return given.HasField("data") if name == "data" else bool(given.vectors)


def _entries(message: Any, part: str) -> Any:
    return message.data.fields if part == "data" else message.vectors
