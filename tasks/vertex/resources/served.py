"""A served index: everything that a query, an upsert or a measurement needs to know, read from the service by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from tasks.errors import PermanentError
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.network.private_service_connect import read_way
from tasks.vertex.operations.adoption import endpoint_name_of, list_ours, the_one
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.deployed_indexes import DeployedIndexState, read_deployed_index
from tasks.vertex.resources.endpoints import ENDPOINTS, EndpointState, endpoint_state
from tasks.vertex.resources.indexes import INDEXES, IndexState, index_state, indexes_of
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import (
    FIRST,
    DistanceMeasure,
    EndpointKind,
    FeatureNorm,
    UpdateMethod,
    deployed_index_id,
)


@dataclass(frozen=True, kw_only=True)
class ServedIndex:
    """An index that is deployed behind an endpoint."""

    name: str
    """The name that the user gave."""
    index: str
    """The index's resource name: upserts and removals go there."""
    endpoint: str
    """The index endpoint's resource name."""
    deployed_index_id: str
    kind: EndpointKind
    """How queries travel: `public` by FindNeighbors, the others by the private MatchService."""
    address: str
    """Where queries go: the public domain name, or the private gRPC address without its port 10000."""
    dimensions: int
    distance_measure: DistanceMeasure
    feature_norm: FeatureNorm
    update_method: UpdateMethod
    vectors_count: int
    """From the index's statistics, which lag behind streaming updates."""
    service_attachment: str = ""
    """Of a `private-service-connect` endpoint: what a forwarding rule leads to."""
    sparse_vectors_count: int = 0
    """As vectors_count; a datapoint with both vectors counts in both."""
    is_overwritten: bool = False
    """Whether an overwrite of its content was started and not seen to its end."""
    version: str = FIRST
    imported: str = ""
    """Hash of what the last import brought, if there was one since it was built or overwritten."""


class NotServed(PermanentError):
    """There is nothing to query under a name."""

    def __init__(self, name: str, *, missing: str) -> None:
        self.name, self.missing = name, missing
        super().__init__(
            f"Nothing is served under the name {name!r}: {missing}. "
            f"Build it with `{command('vertex build', name=name, data='FILE.hdf5')}`."
        )


class OverwriteUnfinished(PermanentError):
    """All content of an index is being replaced, or a build that started this did not see its end."""

    def __init__(self, name: str, *, doing: Literal["streamed", "imported"]) -> None:
        self.name, self.doing = name, doing
        super().__init__(
            f"The index {name} takes no updates now: a build started to replace all its content and did not see the end, and what is "
            f"{doing} meanwhile would be lost. Nothing was sent. Run that build again, which finishes it: "
            f"`{command('vertex build', name=name, data='FILE.hdf5')}`; then run this again."
        )


def served_index(
    settings: VertexSettings,
    name: str,
    index: IndexState,
    endpoint: EndpointState,
    deployed: DeployedIndexState,
) -> ServedIndex:
    """Combine three reads. Fields that the service left out have its documented defaults."""
    config: dict[str, Any] = index.config
    return ServedIndex(
        name=name,
        index=index.resource,
        endpoint=endpoint.resource,
        deployed_index_id=deployed.id,
        kind=endpoint.kind,
        address=_address(settings, name, endpoint, deployed),
        dimensions=int(config["dimensions"]),
        distance_measure=config.get("distanceMeasureType") or get_args(DistanceMeasure)[0],
        feature_norm=config.get("featureNormType") or "NONE",
        update_method="STREAM_UPDATE" if index.update_method == "STREAM_UPDATE" else "BATCH_UPDATE",
        vectors_count=index.vectors_count,
        service_attachment=deployed.service_attachment,
        sparse_vectors_count=index.sparse_vectors_count,
        is_overwritten=bool(index.coming),
        version=index.version,
        imported=index.imported,
    )


def _address(
    settings: VertexSettings, name: str, endpoint: EndpointState, deployed: DeployedIndexState
) -> str:
    """Where queries go: what the service says, else the setting, else our own forwarding rule; empty if nothing says it."""
    if endpoint.kind == "public":
        return endpoint.public_domain
    if known := deployed.private_address or settings.private_address:
        return known
    if endpoint.kind == "vpc" or not deployed.service_attachment:
        return ""
    try:
        return read_way(settings, name, deployed.service_attachment) or ""
    except PermanentError as error:  # Compute Engine is off, or these credentials may not look
        say(f"Whether a forwarding rule of ours leads to {name} is unknown: {error}")
        return ""


def way_through(settings: VertexSettings, served: ServedIndex, attachment: str) -> str:
    """How queries get through a service attachment: the address, or what the user has to create for one."""
    way = f"Queries of {served.name} go through the service attachment {attachment}"
    if served.address:
        return f"{way}, at {served.address}."
    rule = (
        f"gcloud compute forwarding-rules create {served.name} --region={settings.location} --network=NETWORK "
        f"--address=ADDRESS --target-service-attachment={attachment}"
    )
    return (
        f"{way}. Next create one in this project with "
        f"`{command('vertex network-ensure', name=served.name, private_service_connect=True)}`, which queries then find. Or, in another project that may connect, create a forwarding rule to "
        f"it on an address that you reserved in your network: `{rule}`; then set VERTEX_PRIVATE_ADDRESS to that address."
    )


@step("read served index {name}")
def read_served_index(settings: VertexSettings, name: str, version: str | None = None) -> ServedIndex:
    """The served index of a name, read from the service: what is listed, without a look for half-made things.

    Args:
        settings: the target.
        name: the name that the user gave.
        version: a version that is deployed; None for the one that the endpoint's mark names.

    Raises:
        NotServed: no index, no endpoint or no deployed index of that name, or it is still being deployed.
    """
    endpoint = _endpoint(settings, name)
    while True:
        meant = version or (FIRST if endpoint is None else endpoint.serves)
        try:
            return _of_version(settings, name, endpoint, meant)
        except NotServed:
            # Between two reads a swap may have moved the mark, and a prune removed what was served before.
            before, endpoint = endpoint, _endpoint(settings, name)
            if version or endpoint is None or before is None or before.serves == endpoint.serves:
                raise


def _endpoint(settings: VertexSettings, name: str) -> EndpointState | None:
    shared = endpoint_name_of(name, list_ours(settings, INDEXES, name))
    made = the_one(ENDPOINTS, list_ours(settings, ENDPOINTS, shared))
    return None if made is None else endpoint_state(made, name)


def _of_version(
    settings: VertexSettings, name: str, endpoint: EndpointState | None, version: str
) -> ServedIndex:
    kind = indexes_of(version)
    index = the_one(kind, list_ours(settings, kind, name))
    of_it = "" if version == FIRST else f" of the version {version}"
    if index is None or endpoint is None:
        missing = f"index{of_it}" if index is None else "endpoint"
        raise NotServed(name, missing=f"there is no {missing} that this project created")
    id_ = deployed_index_id(name, settings.location, version)
    deployed = read_deployed_index.fn(settings, id_, endpoint.resource)
    if deployed is None:
        elsewhere = index_state(index).elsewhere(endpoint.resource)
        moved = f", but somebody deployed it {elsewhere}" if elsewhere else ""
        raise NotServed(name, missing=f"its index{of_it} is not deployed (yet){moved}")
    if own_id(deployed.index) != own_id(index.resource.name):
        missing = (
            f"somebody deployed another index, {deployed.index}, as {id_} on its endpoint {endpoint.resource}"
        )
        raise NotServed(name, missing=missing)
    return served_index(settings, name, index_state(index), endpoint, deployed)
