"""IndexService: the life of an index, and the datapoints streamed into it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from sandbox.storage.reader import Reader
from sandbox.vertex import errors
from sandbox.vertex.data import datapoints, metadata
from sandbox.vertex.data.contents import Contents
from sandbox.vertex.fields import clear_outputs
from sandbox.vertex.imports.batch import Batch
from sandbox.vertex.operations.lifecycle import Kind, Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.resources import resources
from sandbox.vertex.resources.copies import Copies
from sandbox.vertex.resources.updates import changed_fields, named_fields
from sandbox.vertex.store import Operation, Resource, Store

Index = v1.Index.pb()
CreateRequest = v1.CreateIndexRequest.pb()
UpdateRequest = v1.UpdateIndexRequest.pb()
DeleteRequest = v1.DeleteIndexRequest.pb()
ListResponse = v1.ListIndexesResponse.pb()
_STREAM = v1.Index.IndexUpdateMethod.STREAM_UPDATE
_BATCH = v1.Index.IndexUpdateMethod.BATCH_UPDATE
_FIELDS = ("display_name", "description", "labels", "metadata")
_IMMUTABLE = ("metadata_schema_uri", "index_update_method", "encryption_spec")


class IndexService:
    """Methods in the order of index_service.proto; what their operations do follows below."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        contents: Contents,
        copies: Copies,
        reader: Reader,
        options: VertexOptions,
    ) -> None:
        self._store = store
        self._copies = copies
        self._lifecycle = lifecycle
        self._contents = contents
        self._reader = reader
        self._durations = options.durations
        self._compaction = options.compaction
        self._indexes = resources.Resources("Index", Index, store, lifecycle, options)
        create = Kind(
            v1.CreateIndexOperationMetadata, self._created, self._discard_created, work=self._import_first
        )
        update = Kind(
            v1.UpdateIndexOperationMetadata, self._updated, self._discard_staged, work=self._import_update
        )
        lifecycle.register("CreateIndex", create)
        lifecycle.register("UpdateIndex", update)
        lifecycle.register("UpdateIndexFields", Kind(v1.UpdateIndexOperationMetadata, self._fields_updated))
        lifecycle.register("DeleteIndex", Kind(v1.DeleteOperationMetadata, self._deleted, cancellable=False))

    def CreateIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to create an index."""
        index = Index()
        index.CopyFrom(request.index)
        resources.check_display_name(index.display_name)
        resources.check_labels(index.labels)
        resources.check_key(index, request.parent)
        content = metadata.parse(index.metadata)
        metadata.config(content)
        index.metadata.CopyFrom(metadata.shown(content))
        index.index_update_method = index.index_update_method or _BATCH
        clear_outputs(index)
        with self._store.transaction():
            created = self._indexes.create(request.parent, index)
            return self._lifecycle.begin(
                "CreateIndex", created.name, request.SerializeToString(), self._durations.create_index
            )

    def GetIndex(self, request: Any) -> Any:
        """One index, even while it is being created."""
        found = self._indexes.find(request.name)
        self._lifecycle.look(found.name)
        return self._shown(self._indexes.find(request.name))

    def ListIndexes(self, request: Any) -> Any:
        """The indexes of a location."""
        shown, token = self._indexes.listed(request, self._shown)
        return ListResponse(indexes=shown, next_page_token=token)

    def UpdateIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to change an index's content, or its other fields."""
        with self._store.transaction():
            resource = self._indexes.find_ready(request.index.name)
            current = self._indexes.message(resource)
            resources.check_etag(request.index.etag, current.etag)
            content = _content(request, current)
            fields = changed_fields(request.update_mask, request.index, current, _FIELDS, _IMMUTABLE)
            if not content.get("contentsDeltaUri"):
                return self._update_fields(resource, request)
            if others := [field for field in fields if field != "metadata"]:
                raise errors.CONTENT_OR_FIELDS.refusal(fields=", ".join(["metadata", *others]))
            if current.index_update_method == _STREAM and not content.get("isCompleteOverwrite"):
                raise errors.NO_PARTIAL_UPDATE.refusal()
            self._lifecycle.refuse_if_busy(resource.name)
            return self._lifecycle.begin(
                "UpdateIndex", resource.name, request.SerializeToString(), self._durations.update_index
            )

    def DeleteIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to delete an index that is deployed nowhere."""
        with self._store.transaction():
            resource = self._indexes.find(request.name)
            deployed = self._store.deployments.where('"index" = ?', resource.name)
            if deployed:
                raise errors.INDEX_DEPLOYED.refusal(
                    name=resource.name, deployed=", ".join(each.id for each in deployed)
                )
            self._lifecycle.refuse_if_busy(resource.name)
            return self._lifecycle.begin(
                "DeleteIndex", resource.name, request.SerializeToString(), self._durations.delete
            )

    def UpsertDatapoints(self, request: Any) -> Any:
        """Insert or replace whole datapoints, or overwrite only what the update mask names."""
        resource, config = self._streamed(request.index)
        mask = list(request.update_mask.paths)
        if not set(mask) <= set(datapoints.MASKABLE):
            raise errors.INVALID_UPDATE_MASK.refusal(
                mask=",".join(mask), problem=f"accepted: {', '.join(datapoints.MASKABLE)}."
            )
        datapoints.validate(request.datapoints, config.dimensions, masked=bool(mask))
        change = "overwrite" if mask else "upsert"
        self._contents.append(resource.name, resource.content, config, change, request)
        return v1.UpsertDatapointsResponse.pb()()

    def RemoveDatapoints(self, request: Any) -> Any:
        """Remove datapoints; unknown ids are ignored."""
        resource, config = self._streamed(request.index)
        self._contents.append(resource.name, resource.content, config, "remove", request)
        return v1.RemoveDatapointsResponse.pb()()

    # What operations do.

    def _import_first(self, operation: Operation) -> None:
        request = CreateRequest.FromString(operation.request)
        self._import(operation, request.index.metadata, generation=0)

    def _import_update(self, operation: Operation) -> None:
        request = UpdateRequest.FromString(operation.request)
        overwrites = bool(metadata.parse(request.index.metadata).get("isCompleteOverwrite"))
        self._import(
            operation,
            request.index.metadata,
            generation=operation.sequence,
            onto_what_is_there=not overwrites,
        )

    def _import(
        self, operation: Operation, value: Any, generation: int, *, onto_what_is_there: bool = False
    ) -> None:
        uri = metadata.parse(value).get("contentsDeltaUri")
        resource = self._store.resources.get(operation.target)
        if not uri or resource is None:
            return
        self._contents.discard(operation.target, generation)  # what an interrupted attempt left
        if onto_what_is_there:
            # A batch index takes no other update meanwhile, so what is copied now is what is there in the end.
            self._contents.copy(operation.target, resource.content, generation)
        config = self.config(resource)
        batch = Batch(
            self._reader,
            str(uri),
            config.dimensions,
            lambda change, payloads: self._contents.stage(operation.target, generation, change, payloads),
            deletes="delete" if onto_what_is_there else "remove",
        )
        try:
            batch.run(operation.name)
        finally:
            operation.details = batch.details.SerializeToString()
        if onto_what_is_there:
            operation.uncompacted = resource.uncompacted + batch.changed
            there = self._contents.read(
                resource.name, resource.content, config, lambda held: len(held.corpus)
            )
            if operation.uncompacted > there * self._compaction:
                operation.uncompacted = 0
                self._contents.compact(operation.target, generation)
        self._contents.prepare(operation.target, generation, config)

    def _created(self, operation: Operation) -> Any:
        message = self._indexes.finish_creation(operation.target)
        for output in ("create_time", "update_time", "etag"):  # as Google's mock of Vertex AI leaves them out
            message.ClearField(output)
        return message

    def _discard_created(self, operation: Operation) -> None:
        self._store.resources.delete(operation.target)
        self._contents.discard(operation.target)

    def _updated(self, operation: Operation) -> Any:
        resource = self._indexes.find(operation.target)
        # In this order: a copy that has followed shows a time that is no earlier than the index's own.
        resource.uncompacted = operation.uncompacted
        self._indexes.save(resource, self._indexes.message(resource))
        self._copies.replace(resource, operation.sequence)
        return self._shown(resource)

    def _discard_staged(self, operation: Operation) -> None:
        self._contents.discard(operation.target, operation.sequence)

    def _update_fields(self, resource: Resource, request: Any) -> operations_pb2.Operation:
        return self._lifecycle.begin(
            "UpdateIndexFields", resource.name, request.SerializeToString(), self._durations.update_fields
        )

    def _fields_updated(self, operation: Operation) -> Any:
        request = UpdateRequest.FromString(operation.request)
        resource = self._indexes.find(operation.target)
        message = self._indexes.message(resource)
        apply_fields(request.index, message, named_fields(request.update_mask, request.index, _FIELDS))
        self._indexes.save(resource, message)
        return self._shown(resource)

    def _deleted(self, operation: Operation) -> Any:
        self._store.resources.delete(operation.target)
        self._contents.discard(operation.target)
        return empty_pb2.Empty()

    # Used by the other services.

    def config(self, resource: Resource) -> metadata.Config:
        """The configuration in the index's metadata."""
        return metadata.config(metadata.parse(self._indexes.message(resource).metadata))

    def display_name(self, resource: Resource) -> str:
        """The display name of the index."""
        return self._indexes.message(resource).display_name

    def ready(self, name: str) -> Resource:
        """The index, once its creation is done; refused until then."""
        return self._indexes.find_ready(name)

    def _streamed(self, name: str) -> tuple[Resource, metadata.Config]:
        resource = self._indexes.find_ready(name)
        update_method, config = _described(resource.message)
        if update_method != _STREAM:
            raise errors.STREAM_UPDATE_NOT_ENABLED.refusal()
        return resource, config

    def _shown(self, resource: Resource) -> Any:
        message = self._indexes.message(resource)
        for deployment in self._store.deployments.where('"index" = ? AND ready_at > 0', resource.name):
            deployed = v1.DeployedIndex.pb().FromString(deployment.message)
            message.deployed_indexes.add(
                index_endpoint=deployment.endpoint,
                deployed_index_id=deployment.id,
                display_name=deployed.display_name,
            )
        if resource.ready_at:
            dense, sparse = self._contents.read(
                resource.name, resource.content, self.config(resource), lambda held: held.corpus.counts()
            )
            message.index_stats.vectors_count = dense
            message.index_stats.sparse_vectors_count = sparse
            message.index_stats.shards_count = 1
        return message


@lru_cache(256)
def _described(message: bytes) -> tuple[int, metadata.Config]:
    """An index's update method and configuration. Kept: read anew, they take as long as the check of forty datapoints."""
    read = v1.Index.pb().FromString(message)
    return read.index_update_method, metadata.config(metadata.parse(read.metadata))


def apply_fields(given: Any, message: Any, fields: list[str]) -> None:
    """Copy display name, description and labels, after checking them."""
    if "display_name" in fields:
        resources.check_display_name(given.display_name)
        message.display_name = given.display_name
    if "description" in fields:
        message.description = given.description
    if "labels" in fields:
        resources.check_labels(given.labels)
        message.labels.clear()
        message.labels.update(given.labels)


def _content(request: Any, current: Any) -> dict[str, Any]:
    """The metadata of an update, of which only the content may change."""
    if "metadata" not in named_fields(request.update_mask, request.index, _FIELDS):
        return {}
    content = metadata.parse(request.index.metadata)
    if content.get("isCompleteOverwrite") and not content.get("contentsDeltaUri"):
        raise errors.INVALID_METADATA.refusal(problem="isCompleteOverwrite needs a contentsDeltaUri.")
    known = metadata.parse(current.metadata)
    for field, given in (content.get("config") or {}).items():
        changed = {"config": {**known["config"], field: given}}
        if metadata.config(changed) != metadata.config(known):
            raise errors.IMMUTABLE_CONFIG.refusal(
                field=field, current=known["config"].get(field), given=given
            )
    return content
