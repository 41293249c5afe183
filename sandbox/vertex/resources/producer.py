"""Vertex AI as a producer: what Service Networking and Compute Engine ask of the service at the other end of a connection."""

from __future__ import annotations

from typing import Protocol

from google.cloud import aiplatform_v1 as v1

from sandbox.google_cloud.project import PROJECT, PROJECT_NUMBER
from sandbox.vertex import errors
from sandbox.vertex.resources.deployed_indexes import ATTACHMENTS
from sandbox.vertex.store import Deployment, Store

IndexEndpoint, DeployedIndex = v1.IndexEndpoint.pb(), v1.DeployedIndex.pb()


class PrivateServers(Protocol):
    """Where deployed indexes answer privately."""

    def open(self, deployed_index_id: str, address: str = "") -> str: ...  # noqa: D102
    def close(self, deployed_index_id: str, address: str = "") -> None: ...  # noqa: D102


class Producer:
    """Answers for the endpoints of a store."""

    def __init__(self, store: Store, private: PrivateServers) -> None:
        self._store, self._private = store, private

    def users(self, network: str) -> list[str]:
        """The endpoints in a network, named with the project's number."""
        found = self._store.resources.where("kind = 'IndexEndpoint'")
        return [each.name for each in found if IndexEndpoint.FromString(each.message).network == network]

    def status(self, attachment: str) -> str:
        """Whether our project may connect to a service attachment: ACCEPTED, REJECTED or, without one, CLOSED."""
        deployment = self._behind(attachment)
        endpoint = self._store.resources.get(deployment.endpoint) if deployment else None
        if endpoint is None:
            return "CLOSED"
        allowed = IndexEndpoint.FromString(endpoint.message).private_service_connect_config.project_allowlist
        return "ACCEPTED" if not allowed or {PROJECT, PROJECT_NUMBER} & set(allowed) else "REJECTED"

    def connect(self, attachment: str, address: str) -> None:
        """Answer at an address what is sent to a service attachment, if it is accepted."""
        deployment = self._behind(attachment)
        if deployment is None or self.status(attachment) != "ACCEPTED":
            return
        try:
            self._private.open(deployment.id, address)
        except (
            errors.Refusal
        ):  # no server can be bound there: nobody answers, as in a network without a route
            return

    def disconnect(self, attachment: str, address: str) -> None:
        """Stop to answer there."""
        self._private.close(_id_in(attachment), address)

    def _behind(self, attachment: str) -> Deployment | None:
        found = self._store.deployments.get(_id_in(attachment))
        if found is None or not found.ready_at:
            return None
        answers_at = DeployedIndex.FromString(found.message).private_endpoints.service_attachment
        return found if answers_at == attachment else None


def _id_in(attachment: str) -> str:
    return attachment.removeprefix(ATTACHMENTS).rpartition("-")[0]
