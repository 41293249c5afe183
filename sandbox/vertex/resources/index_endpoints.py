"""IndexEndpointService: endpoints, and the indexes deployed to them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Protocol

from google.cloud import aiplatform_v1 as v1
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from sandbox.google_cloud.project import PROJECT_NUMBER
from sandbox.vertex import errors
from sandbox.vertex.fields import clear_outputs
from sandbox.vertex.operations.lifecycle import Kind, Lifecycle
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.resources import resources
from sandbox.vertex.resources.copies import Copies
from sandbox.vertex.resources.deployed_indexes import (
    check_deployed_index,
    check_mutation,
    fill_defaults,
    fill_private_endpoints,
)
from sandbox.vertex.resources.indexes import IndexService, apply_fields
from sandbox.vertex.resources.updates import changed_fields
from sandbox.vertex.store import Deployment, Operation, Resource, Store

IndexEndpoint = v1.IndexEndpoint.pb()
DeployedIndex = v1.DeployedIndex.pb()
DeployRequest = v1.DeployIndexRequest.pb()
MutateRequest = v1.MutateDeployedIndexRequest.pb()
ListResponse = v1.ListIndexEndpointsResponse.pb()
_NETWORK = re.compile(rf"projects/{PROJECT_NUMBER}/global/networks/[a-z][-a-z0-9]*")
_FIELDS = ("display_name", "description", "labels")
_IMMUTABLE = (
    "network",
    "enable_private_service_connect",
    "private_service_connect_config",
    "public_endpoint_enabled",
    "encryption_spec",
)


class PrivateServers(Protocol):
    """Where deployed indexes answer privately."""

    def open(self, deployed_index_id: str, address: str = "") -> str: ...  # noqa: D102
    def close(self, deployed_index_id: str) -> None: ...  # noqa: D102


class IndexEndpointService:
    """Methods in the order of index_endpoint_service.proto; what their operations do follows below."""

    def __init__(
        self,
        store: Store,
        lifecycle: Lifecycle,
        indexes: IndexService,
        copies: Copies,
        private: PrivateServers,
        public_domain: str,
        prepare: Callable[[Deployment], None],
        is_peered: Callable[[str], bool],
        options: VertexOptions,
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._indexes = indexes
        self._copies = copies
        self._private = private
        self._public_domain = public_domain
        self._prepare = prepare
        self._is_peered = is_peered
        self._durations = options.durations
        self._automated = options.automated_endpoints
        self._endpoints = resources.Resources("IndexEndpoint", IndexEndpoint, store, lifecycle, options)
        create = Kind(v1.CreateIndexEndpointOperationMetadata, self._created, self._discard_created)
        deploy = Kind(
            v1.DeployIndexOperationMetadata, self._deployed, self._discard_deployed, work=self._load_deployed
        )
        lifecycle.register("CreateIndexEndpoint", create)
        lifecycle.register(
            "DeleteIndexEndpoint", Kind(v1.DeleteOperationMetadata, self._deleted, cancellable=False)
        )
        lifecycle.register("DeployIndex", deploy)
        lifecycle.register(
            "UndeployIndex", Kind(v1.UndeployIndexOperationMetadata, self._undeployed, cancellable=False)
        )
        lifecycle.register(
            "MutateDeployedIndex", Kind(v1.MutateDeployedIndexOperationMetadata, self._mutated)
        )

    def CreateIndexEndpoint(self, request: Any) -> operations_pb2.Operation:
        """Begin to create an endpoint of one of the three kinds."""
        endpoint = IndexEndpoint()
        endpoint.CopyFrom(request.index_endpoint)
        resources.check_display_name(endpoint.display_name)
        resources.check_labels(endpoint.labels)
        resources.check_key(endpoint, request.parent)
        _check_kind(endpoint)
        if endpoint.network and not self._is_peered(endpoint.network):
            raise errors.NETWORK_NOT_PEERED.refusal(network=endpoint.network)
        clear_outputs(endpoint)
        with self._store.transaction():
            created = self._endpoints.create(request.parent, endpoint)
            return self._lifecycle.begin(
                "CreateIndexEndpoint",
                created.name,
                request.SerializeToString(),
                self._durations.create_endpoint,
            )

    def GetIndexEndpoint(self, request: Any) -> Any:
        """One endpoint, even while it is being created."""
        found = self._endpoints.find(request.name)
        self._lifecycle.look(found.name)
        return self._shown(self._endpoints.find(request.name))

    def ListIndexEndpoints(self, request: Any) -> Any:
        """The endpoints of a location."""
        shown, token = self._endpoints.listed(request, self._shown)
        return ListResponse(index_endpoints=shown, next_page_token=token)

    def UpdateIndexEndpoint(self, request: Any) -> Any:
        """Change display name, description or labels; no operation."""
        with self._store.transaction():
            resource = self._endpoints.find_ready(request.index_endpoint.name)
            message = self._endpoints.message(resource)
            resources.check_etag(request.index_endpoint.etag, message.etag)
            given = request.index_endpoint
            fields = changed_fields(request.update_mask, given, message, _FIELDS, _IMMUTABLE)
            apply_fields(given, message, fields)
            self._endpoints.save(resource, message)
        return self._shown(resource)

    def DeleteIndexEndpoint(self, request: Any) -> operations_pb2.Operation:
        """Begin to delete an endpoint with nothing deployed to it."""
        with self._store.transaction():
            resource = self._endpoints.find(request.name)
            self._lifecycle.refuse_if_busy(resource.name)
            deployed = self._store.deployments.where("endpoint = ?", resource.name)
            if deployed:
                raise errors.ENDPOINT_IN_USE.refusal(
                    name=resource.name, deployed=", ".join(each.id for each in deployed)
                )
            return self._lifecycle.begin(
                "DeleteIndexEndpoint", resource.name, request.SerializeToString(), self._durations.delete
            )

    def DeployIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to deploy an index under an id that is unique within the project."""
        deployed = DeployedIndex()
        deployed.CopyFrom(request.deployed_index)
        clear_outputs(deployed)
        with self._store.transaction():
            endpoint = self._endpoints.find_ready(request.index_endpoint)
            index = self._indexes.ready(deployed.index)
            check_deployed_index(deployed, self._indexes.config(index).shard_size)
            if self._store.deployments.get(deployed.id):
                raise errors.DEPLOYED_INDEX_EXISTS.refusal(id=deployed.id)
            self._refuse_if_ending(endpoint, index)
            fill_defaults(deployed, index.name, self._indexes.display_name(index))
            self._store.deployments.put(
                Deployment(deployed.id, endpoint.name, index.name, deployed.SerializeToString())
            )
            return self._lifecycle.begin(
                "DeployIndex", endpoint.name, request.SerializeToString(), self._durations.deploy, deployed.id
            )

    def UndeployIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to take a deployed index down; it answers until the operation is done."""
        with self._store.transaction():
            deployment = self._deployment(request.index_endpoint, request.deployed_index_id)
            self._refuse_if_changing(deployment)
            return self._lifecycle.begin(
                "UndeployIndex",
                deployment.endpoint,
                request.SerializeToString(),
                self._durations.undeploy,
                deployment.id,
            )

    def MutateDeployedIndex(self, request: Any) -> operations_pb2.Operation:
        """Begin to change the resources that serve a deployed index."""
        with self._store.transaction():
            deployment = self._deployment(request.index_endpoint, request.deployed_index.id)
            current = DeployedIndex.FromString(deployment.message)
            shard_size = self._indexes.config(self._indexes.ready(deployment.index)).shard_size
            check_mutation(request.deployed_index, current, shard_size)
            self._refuse_if_changing(deployment)
            return self._lifecycle.begin(
                "MutateDeployedIndex",
                deployment.endpoint,
                request.SerializeToString(),
                self._durations.mutate,
                deployment.id,
            )

    # What operations do.

    def _created(self, operation: Operation) -> Any:
        message = self._endpoints.finish_creation(operation.target)
        if message.public_endpoint_enabled:
            message.public_endpoint_domain_name = self._public_domain
            self._endpoints.save(self._endpoints.find(operation.target), message)
        return message

    def _discard_created(self, operation: Operation) -> None:
        self._store.resources.delete(operation.target)

    def _deleted(self, operation: Operation) -> Any:
        self._store.resources.delete(operation.target)
        return empty_pb2.Empty()

    def _load_deployed(self, operation: Operation) -> None:
        deployment = self._store.deployments.get(operation.deployed_index_id)
        if deployment is not None:
            self._prepare(deployment)

    def _deployed(self, operation: Operation) -> Any:
        deployment = self._deployment(operation.target, operation.deployed_index_id, ready=False)
        endpoint = self._endpoints.message(self._endpoints.find(deployment.endpoint))
        message = DeployedIndex.FromString(deployment.message)
        if not endpoint.public_endpoint_enabled:
            deployment.address = self._private.open(deployment.id)
            fill_private_endpoints(message, endpoint, deployment.address, automated=self._automated)
        message.create_time.GetCurrentTime()
        message.index_sync_time.GetCurrentTime()
        self._copies.take(deployment)
        deployment.message, deployment.ready_at = message.SerializeToString(), time.time()
        self._store.deployments.put(deployment)
        return v1.DeployIndexResponse.pb()(deployed_index=message)

    def _discard_deployed(self, operation: Operation) -> None:
        self._store.deployments.delete(operation.deployed_index_id)

    def _undeployed(self, operation: Operation) -> Any:
        self._private.close(operation.deployed_index_id)
        deployment = self._store.deployments.get(operation.deployed_index_id)
        if deployment is not None:
            self._copies.remove(deployment)
        return v1.UndeployIndexResponse.pb()()

    def _mutated(self, operation: Operation) -> Any:
        deployment = self._deployment(operation.target, operation.deployed_index_id)
        wanted = MutateRequest.FromString(operation.request).deployed_index
        message = DeployedIndex.FromString(deployment.message)
        for field in ("automatic_resources", "dedicated_resources"):
            if wanted.HasField(field):
                getattr(message, field).CopyFrom(getattr(wanted, field))
        fill_defaults(message, message.index, message.display_name)
        deployment.message = message.SerializeToString()
        self._store.deployments.put(deployment)
        return v1.MutateDeployedIndexResponse.pb()(deployed_index=message)

    # Used by the other services.

    def reopen(self) -> None:
        """After a restart: serve the deployed indexes again, at their earlier addresses."""
        for deployment in self._store.deployments.where("ready_at > 0"):
            self._prepare(deployment)
            if deployment.address:
                self._private.open(deployment.id, deployment.address)

    def public_deployment(self, endpoint_name: str, deployed_index_id: str) -> Deployment:
        """A deployed index that can be queried through its public endpoint; refused otherwise."""
        endpoint = self._endpoints.find(endpoint_name)
        if not self._endpoints.message(endpoint).public_endpoint_enabled:
            raise errors.NOT_PUBLIC.refusal(name=endpoint.name)
        return self._deployment(endpoint.name, deployed_index_id)

    def _deployment(self, endpoint_name: str, deployed_index_id: str, *, ready: bool = True) -> Deployment:
        endpoint = self._endpoints.find(endpoint_name)
        found = self._store.deployments.get(deployed_index_id)
        if found is None or found.endpoint != endpoint.name or (ready and not found.ready_at):
            raise errors.DEPLOYED_INDEX_NOT_FOUND.refusal(id=deployed_index_id, endpoint=endpoint.name)
        return found

    def _refuse_if_changing(self, deployment: Deployment) -> None:
        running = self._lifecycle.unfinished("deployed_index_id = ?", deployment.id)
        if running:
            raise errors.BUSY.refusal(name=deployment.id, operations=", ".join(each.name for each in running))

    def _refuse_if_ending(self, endpoint: Resource, index: Resource) -> None:
        names = (endpoint.name, index.name)
        running = self._lifecycle.unfinished(
            "target IN (?, ?) AND method IN ('DeleteIndex', 'DeleteIndexEndpoint')", *names
        )
        if running:
            raise errors.BUSY.refusal(name=running[0].target, operations=running[0].name)

    def _shown(self, resource: Resource) -> Any:
        message = self._endpoints.message(resource)
        for deployment in self._store.deployments.where("endpoint = ? AND ready_at > 0", resource.name):
            message.deployed_indexes.add().ParseFromString(self._copies.caught_up(deployment).message)
        return message


def _check_kind(endpoint: Any) -> None:
    psc = endpoint.private_service_connect_config.enable_private_service_connect
    given = {
        "network": bool(endpoint.network),
        "private_service_connect_config": psc or endpoint.enable_private_service_connect,
        "public_endpoint_enabled": endpoint.public_endpoint_enabled,
    }
    if sum(given.values()) != 1:
        raise errors.ENDPOINT_KIND.refusal(
            given=" and ".join(key for key, there in given.items() if there) or "none"
        )
    if endpoint.network and not _NETWORK.fullmatch(endpoint.network):
        raise errors.NETWORK_NAME.refusal(network=endpoint.network)
