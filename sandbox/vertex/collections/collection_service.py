"""VectorSearchService: the life of collections and of their indexes, and imports."""

from __future__ import annotations

from typing import Any

from google.cloud import vectorsearch_v1 as v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from sandbox.storage.reader import Reader
from sandbox.vertex import errors, names
from sandbox.vertex.collections import imports, schemas
from sandbox.vertex.collections.data_objects import DataObjects
from sandbox.vertex.collections.indexes import checked_index, with_replicas
from sandbox.vertex.collections.resources import COLLECTION, INDEX, Resources
from sandbox.vertex.fields import clear_outputs
from sandbox.vertex.operations.lifecycle import Kind, Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.resources.resources import check_labels
from sandbox.vertex.resources.updates import changed_fields
from sandbox.vertex.store import Operation

ListCollectionsResponse = v1.ListCollectionsResponse.pb()
ListIndexesResponse = v1.ListIndexesResponse.pb()
ImportRequest = v1.ImportDataObjectsRequest.pb()
ImportMetadata = v1.ImportDataObjectsMetadata.pb()
ImportResponse = v1.ImportDataObjectsResponse.pb()
_TEXTS = ("display_name", "description", "labels")
_OF_INDEX = (
    "index_field",
    "filter_fields",
    "store_fields",
    "distance_metric",
    "dense_scann",
)
_INVALID = 3  # google.rpc.Code.INVALID_ARGUMENT


class VectorSearchService:
    """Methods in the order of vectorsearch_service.proto; what their operations do follows below."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        resources: Resources,
        objects: DataObjects,
        reader: Reader,
        options: VertexOptions,
    ) -> None:
        self._lifecycle, self._resources = lifecycle, resources
        self._objects, self._reader = objects, reader
        self._durations = options.durations
        self._staged: dict[str, dict[str, Any]] = {}
        for method, finish, cancellable in (
            ("CreateCollection", self._collection_created, True),
            ("UpdateCollection", self._updated, False),
            ("DeleteCollection", self._deleted, False),
            ("CreateIndex", self._index_created, True),
            ("UpdateIndex", self._updated, False),
            ("DeleteIndex", self._deleted, False),
        ):
            abandon = self._discard if cancellable else self._leave
            kind = Kind(
                v1.OperationMetadata,
                finish,
                abandon,
                cancellable=cancellable,
                describe=_describe,
                below_location=True,
            )
            lifecycle.register(f"collections.{method}", kind)
        lifecycle.register(
            "collections.ImportDataObjects",
            Kind(
                v1.ImportDataObjectsMetadata,
                self._imported,
                self._unstage,
                work=self._stage,
                describe=_describe_import,
                below_location=True,
            ),
        )

    def ListCollections(self, request: Any) -> Any:
        """One page of a location's collections."""
        shown, token = self._resources.listed(COLLECTION, names.parent(request.parent), request)
        return ListCollectionsResponse(collections=shown, next_page_token=token)

    def GetCollection(self, request: Any) -> Any:
        """One collection, even while it is being created."""
        return self._get(COLLECTION, request.name)

    def CreateCollection(self, request: Any) -> operations_pb2.Operation:
        """Begin to create a collection."""
        name = f"{names.parent(request.parent)}/collections/{request.collection_id}"
        collection = type(request.collection)()
        collection.CopyFrom(request.collection)
        clear_outputs(collection)
        check_labels(collection.labels)
        schemas.check_collection(collection)

        def act() -> operations_pb2.Operation:
            self._resources.enter(COLLECTION, name, collection)
            return self._begin("CreateCollection", name, request, self._durations.create_collection)

        return self._resources.once(request, act)

    def UpdateCollection(self, request: Any) -> operations_pb2.Operation:
        """Change a collection's texts, labels or schemas; what was a vector field stays as it is."""
        found = self._resources.ready(COLLECTION, request.collection.name)
        message = self._resources.message(found)

        def check() -> None:
            schemas.check_changed(self._resources.message(found), message)
            schemas.check_collection(message)

        return self._update(
            request,
            found,
            (request.collection, message, (*_TEXTS, "vector_schema", "data_schema"), ("encryption_spec",)),
            check,
        )

    def DeleteCollection(self, request: Any) -> operations_pb2.Operation:
        """Begin to delete a collection; with what is in it only if `force` says so."""

        def act() -> operations_pb2.Operation:
            name = self._resources.find(COLLECTION, request.name).name
            self._lifecycle.refuse_if_busy(name)
            indexes, objects = len(self._resources.below(INDEX, name)), len(self._objects.of(name))
            if (indexes or objects) and not request.force:
                raise errors.COLLECTION_IN_USE.refusal(name=name, indexes=indexes, objects=objects)
            return self._begin("DeleteCollection", name, request, self._durations.delete)

        return self._resources.once(request, act)

    def ListIndexes(self, request: Any) -> Any:
        """One page of a collection's indexes."""
        parent = self._resources.find(COLLECTION, request.parent).name
        shown, token = self._resources.listed(INDEX, parent, request)
        return ListIndexesResponse(indexes=shown, next_page_token=token)

    def GetIndex(self, request: Any) -> Any:
        """One index, even while it is being created."""
        return self._get(INDEX, request.name)

    def CreateIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to create an index on a dense field of a collection."""
        parent, collection = self._resources.collection(request.parent)
        index = checked_index(request.index, collection)
        check_labels(index.labels)
        name = f"{parent}/indexes/{request.index_id}"

        def act() -> operations_pb2.Operation:
            self._resources.enter(INDEX, name, index)
            return self._begin("CreateIndex", name, request, self._durations.create_collection_index)

        return self._resources.once(request, act)

    def UpdateIndex(self, request: Any) -> operations_pb2.Operation:
        """Change an index's texts, labels or numbers of replicas."""
        found = self._resources.ready(INDEX, request.index.name)
        message = self._resources.message(found)
        _, collection = self._resources.collection(found.name.partition("/indexes/")[0])
        request = with_replicas(request, message)
        updatable = (*_TEXTS, "dedicated_infrastructure")
        return self._update(
            request,
            found,
            (request.index, message, updatable, _OF_INDEX),
            lambda: message.CopyFrom(checked_index(message, collection, keep_outputs=True)),
        )

    def DeleteIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to delete an index; the data objects stay."""

        def act() -> operations_pb2.Operation:
            name = self._resources.find(INDEX, request.name).name
            self._lifecycle.refuse_if_busy(name)
            return self._begin("DeleteIndex", name, request, self._durations.delete)

        return self._resources.once(request, act)

    def ImportDataObjects(self, request: Any) -> operations_pb2.Operation:
        """Begin to import the files under a prefix; what is not valid is counted and left out."""
        name, _ = self._resources.collection(request.name)
        imports.check(request.gcs_import)
        return self._begin("ImportDataObjects", name, request, self._durations.import_data_objects)

    def _get(self, kind: str, name: str) -> Any:
        self._lifecycle.look(self._resources.find(kind, name).name)
        return self._resources.message(self._resources.find(kind, name))

    def _begin(self, method: str, target: str, request: Any, nominal: float) -> operations_pb2.Operation:
        return self._lifecycle.begin(f"collections.{method}", target, request.SerializeToString(), nominal)

    def _update(self, request: Any, found: Any, fields: Any, check: Any) -> operations_pb2.Operation:
        """Change the fields that a request names, once `check` has seen the changed message."""
        given, message, updatable, immutable = fields

        def act() -> operations_pb2.Operation:
            for name in changed_fields(request.update_mask, given, message, updatable, immutable):
                message.ClearField(name)
                part = type(message)()
                part.CopyFrom(given)
                for field, _ in given.ListFields():
                    if field.name != name:
                        part.ClearField(field.name)
                message.MergeFrom(part)
            check_labels(message.labels)
            check()
            self._resources.save(found, message)
            method = request.DESCRIPTOR.name.removesuffix("Request")
            return self._begin(method, found.name, request, self._durations.update_fields)

        return self._resources.once(request, act)

    def _collection_created(self, operation: Operation) -> Any:
        return self._resources.finish_creation(COLLECTION, operation.target)

    def _index_created(self, operation: Operation) -> Any:
        return self._resources.finish_creation(INDEX, operation.target)

    def _updated(self, operation: Operation) -> Any:
        kind = INDEX if "/indexes/" in operation.target else COLLECTION
        return self._resources.message(self._resources.find(kind, operation.target))

    def _deleted(self, operation: Operation) -> Any:
        if "/indexes/" not in operation.target:
            for index in self._resources.below(INDEX, operation.target):
                self._resources.delete(index.name)
            self._objects.drop(operation.target)
        self._resources.delete(operation.target)
        return empty_pb2.Empty()

    def _discard(self, operation: Operation) -> None:
        self._resources.delete(operation.target)

    def _leave(self, operation: Operation) -> None:
        """An update or a deletion that fails changes nothing more."""

    def _stage(self, operation: Operation) -> None:
        """Read and check the files of an import, beside all other calls; what is valid waits in memory."""
        config = ImportRequest.FromString(operation.request).gcs_import
        name, collection = self._resources.collection(operation.target)
        counts, taken, problems = ImportMetadata(), {}, []
        for record in imports.records(self._reader, config.contents_uri):
            problem = _problem(record, collection)
            if problem:
                counts.failure_count += 1
                problems.append({"code": "INVALID_ARGUMENT", "message": problem})
                continue
            counts.success_count += 1
            record.name = f"{name}/dataObjects/{record.data_object_id}"
            taken[record.name] = record
        if problems:
            imports.write_errors(self._reader, config.error_uri, operation.name, problems)
        operation.details = counts.SerializeToString()
        self._staged[operation.name] = taken

    def _imported(self, operation: Operation) -> Any:
        if operation.name not in self._staged:  # read by a process that was killed
            self._stage(operation)
        self._objects.put(operation.target, self._staged.pop(operation.name).values())
        failed = ImportMetadata.FromString(operation.details).failure_count
        response = ImportResponse()
        if failed:
            response.status.code, response.status.message = _INVALID, f"{failed} records are not valid."
        return response

    def _unstage(self, operation: Operation) -> None:
        self._staged.pop(operation.name, None)


def _problem(record: Any, collection: Any) -> str:
    """Why a record of an import is left out; empty if it is not."""
    if isinstance(record, imports.RecordError):
        return str(record)
    try:
        schemas.check_data_object(record, collection)
    except errors.Refusal as refused:
        return refused.text
    return ""


def _describe(metadata: Any, operation: Operation) -> None:
    metadata.create_time.FromNanoseconds(int(operation.started * 1e9))
    metadata.target, metadata.api_version = operation.target, "v1"
    method = operation.method.rpartition(".")[2]
    metadata.verb = next(verb for verb in ("create", "update", "delete") if method.lower().startswith(verb))
    if operation.done:
        metadata.end_time.FromNanoseconds(int(operation.updated * 1e9))
    metadata.requested_cancellation = operation.error_code == 1


def _describe_import(metadata: Any, operation: Operation) -> None:
    metadata.ParseFromString(operation.details)
    metadata.create_time.FromNanoseconds(int(operation.started * 1e9))
    metadata.update_time.FromNanoseconds(int(operation.updated * 1e9))
