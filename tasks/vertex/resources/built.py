"""Every index and every endpoint that bears our mark, whatever its name."""

from __future__ import annotations

from google.cloud.aiplatform_v1 import DeployedIndex, Index, IndexEndpoint

from tasks.built import Built
from tasks.marks import MANAGED_BY
from tasks.plurals import counted
from tasks.vertex.costs import PRICES
from tasks.vertex.operations.adoption import version_of
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.deployed_indexes import replicas_of
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST


def list_built(settings: VertexSettings) -> list[Built]:
    """What is there, by name: two listings, and nothing is read one by one."""
    filter_ = f'labels.managed_by="{MANAGED_BY}"'
    indexes = [one for one in INDEXES.list(settings, filter_) if _is_ours(one)]
    endpoints = [one for one in ENDPOINTS.list(settings, filter_) if _is_ours(one)]
    deployed = {
        own_id(copy.index): (endpoint, copy) for endpoint in endpoints for copy in endpoint.deployed_indexes
    }
    found = [_index(one, deployed.get(own_id(one.name))) for one in indexes]
    # One that serves nothing is what a killed build leaves, and costs nothing by the hour.
    found += [_idle(one) for one in endpoints if not one.deployed_indexes]
    return sorted(found, key=lambda one: (one.name, one.kind))


def _is_ours(resource: Index | IndexEndpoint) -> bool:
    return resource.labels.get("managed_by") == MANAGED_BY


def _index(index: Index, where: tuple[IndexEndpoint, DeployedIndex] | None) -> Built:
    version = version_of(index)
    vectors = counted(index.index_stats.vectors_count, "vector")
    serves, hourly = "not deployed", 0.0
    if where is not None:
        endpoint, copy = where
        serves = f"{copy.id} on {endpoint.display_name}"
        hourly = _hourly(copy, index.index_stats.shards_count)
    return Built(
        name=index.labels.get("name", ""),
        kind="index" if version == FIRST else f"index, version {version}",
        holds=vectors,
        serves=serves,
        since=index.create_time,  # pyright: ignore[reportArgumentType] -- proto-plus gives a datetime
        hourly=hourly,
    )


def _idle(endpoint: IndexEndpoint) -> Built:
    return Built(
        name=endpoint.labels.get("name", ""),
        kind="endpoint",
        holds="no deployed index",
        serves="nothing",
        since=endpoint.create_time,  # pyright: ignore[reportArgumentType] -- proto-plus gives a datetime
        hourly=0.0,
    )


def _hourly(copy: DeployedIndex, shards: int) -> float | None:
    """Of its least number of replicas; the machine that automatic resources take is not told."""
    price = PRICES.get(copy.dedicated_resources.machine_spec.machine_type)
    return None if price is None else price * replicas_of(copy)[0] * max(1, shards)
