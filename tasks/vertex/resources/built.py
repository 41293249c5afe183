"""Every index and every endpoint that bears our mark, whatever its name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from google.cloud.aiplatform_v1 import DeployedIndex, Index, IndexEndpoint

from tasks.built import Built, Stranger
from tasks.marks import MANAGED_BY
from tasks.plurals import counted
from tasks.vertex.costs import node_price
from tasks.vertex.machines import DEFAULT_MACHINES
from tasks.vertex.operations.adoption import Made, version_of
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.deployed_indexes import replicas_of
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES, index_state
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST


def list_built(settings: VertexSettings) -> list[Built]:
    """What is there, by name: two listings, and nothing is read one by one."""
    filter_ = f'labels.managed_by="{MANAGED_BY}"'
    indexes = [one for one in INDEXES.list(settings, filter_) if _is_ours(one)]
    endpoints = [one for one in ENDPOINTS.list(settings, filter_) if _is_ours(one)]
    deployed = defaultdict[str, list[tuple[IndexEndpoint, DeployedIndex]]](list)
    for endpoint in endpoints:
        for copy in endpoint.deployed_indexes:
            deployed[own_id(copy.index)].append((endpoint, copy))
    found = [_index(one, deployed[own_id(one.name)]) for one in indexes]
    # One that serves nothing is what a killed build leaves, and costs nothing by the hour.
    found += [_idle(one) for one in endpoints if not one.deployed_indexes]
    return sorted(found, key=lambda one: (one.name, one.kind))


def list_strangers(settings: VertexSettings) -> list[Stranger]:
    """Indexes and endpoints that do not bear our mark."""
    return [
        Stranger(kind=kind, name=f"{one.display_name} ({own_id(one.name)})")
        for kind, listed in (
            ("index", INDEXES.list(settings, "")),
            ("endpoint", ENDPOINTS.list(settings, "")),
        )
        for one in listed
        if not _is_ours(one)
    ]


def _is_ours(resource: Index | IndexEndpoint) -> bool:
    return resource.labels.get("managed_by") == MANAGED_BY


def _index(index: Index, deployed: Sequence[tuple[IndexEndpoint, DeployedIndex]]) -> Built:
    version = version_of(index)
    serves = [f"{copy.id} on {endpoint.display_name}" for endpoint, copy in deployed]
    costs = [_hourly(copy, index) for _, copy in deployed]
    ours = {copy.id for _, copy in deployed}
    for elsewhere in index.deployed_indexes:
        if (
            elsewhere.deployed_index_id not in ours
        ):  # somebody deployed it by hand: what that costs is not in what was listed
            endpoint = own_id(elsewhere.index_endpoint)
            serves.append(f"{elsewhere.deployed_index_id} on {endpoint}, which is not ours")
            costs.append(None)
    hourly = None if None in costs else sum(cost or 0.0 for cost in costs)
    return Built(
        name=index.labels.get("name", ""),
        kind="index" if version == FIRST else f"index, version {version}",
        holds=counted(index.index_stats.vectors_count, "vector"),
        serves=", ".join(serves) or "not deployed",
        is_idle=not serves,
        since=index.create_time,  # pyright: ignore[reportArgumentType] -- proto-plus gives a datetime
        hourly=hourly,
    )


def _idle(endpoint: IndexEndpoint) -> Built:
    return Built(
        is_idle=True,
        name=endpoint.labels.get("name", ""),
        kind="endpoint",
        holds="no deployed index",
        serves="nothing",
        since=endpoint.create_time,  # pyright: ignore[reportArgumentType] -- proto-plus gives a datetime
        hourly=0.0,
    )


def _hourly(copy: DeployedIndex, index: Index) -> float | None:
    """Of its least number of replicas; automatic resources are taken to be the default machine of its shard size."""
    default = DEFAULT_MACHINES.get(index_state(Made(index, None)).shard_size, "")
    price = node_price(copy.dedicated_resources.machine_spec.machine_type or default)
    return None if price is None else price * replicas_of(copy)[0] * max(1, index.index_stats.shards_count)
