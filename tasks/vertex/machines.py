"""Which machines serve which shards, as "Manage indexes" (docs/sources.md) lists them."""

from __future__ import annotations

from tasks.errors import InvalidInput
from tasks.vertex.specs import DeploymentTier, ShardSize

DEFAULT_SHARD_SIZE: ShardSize = "SHARD_SIZE_MEDIUM"
"""The service's default."""

DEFAULT_MACHINES: dict[ShardSize, str] = {
    "SHARD_SIZE_SMALL": "e2-standard-2",
    "SHARD_SIZE_MEDIUM": "e2-standard-16",
    "SHARD_SIZE_LARGE": "e2-highmem-16",
}
"""What the service picks with automatic resources; for storage-optimized shards it is not documented."""

_LARGE = ("e2-highmem-16", "n1-standard-32", "n2d-standard-32")
_MEDIUM = ("e2-standard-16", "n1-standard-16", *_LARGE)
MACHINES: dict[ShardSize, tuple[str, ...]] = {
    "SHARD_SIZE_SMALL": ("e2-standard-2", *_MEDIUM),
    "SHARD_SIZE_MEDIUM": _MEDIUM,
    "SHARD_SIZE_LARGE": _LARGE,
}
"""The machines that can be requested instead."""

_STORAGE_OPTIMIZED: ShardSize = "SHARD_SIZE_SO_DYNAMIC"


def check_tier(tier: DeploymentTier | None, shard_size: ShardSize | None) -> None:
    """See that a tier serves shards of a size ("Storage-optimized Vector Search").

    Raises:
        InvalidInput: it does not.
    """
    size = shard_size or DEFAULT_SHARD_SIZE
    if tier == "STORAGE" and size != _STORAGE_OPTIMIZED:
        raise InvalidInput(
            f"This tier does not serve shards of {size}", value=tier, source="deployment_tier",
            accepted=f"with the shard_size {_STORAGE_OPTIMIZED} only",
            remedy="Leave it out, or build an index of that shard size.",
        )  # fmt: skip


def check_machine(machine_type: str | None, shard_size: ShardSize | None) -> None:
    """See that a machine serves shards of a size. One that the documentation does not list anywhere may be a new one.

    Raises:
        InvalidInput: it is listed, and not for this size. The service would refuse only after the index is built.
    """
    size = shard_size or DEFAULT_SHARD_SIZE
    if machine_type is None:
        return
    if size == _STORAGE_OPTIMIZED:
        raise InvalidInput(
            f"Shards of {size} take no machine type", value=machine_type, source="machine_type", accepted="none",
            remedy="Leave it out: the service chooses the machines of storage-optimized indexes.",
        )  # fmt: skip
    possible, known = MACHINES[size], MACHINES["SHARD_SIZE_SMALL"]
    if machine_type in known and machine_type not in possible:
        raise InvalidInput(
            f"This machine cannot serve shards of {size}",
            value=machine_type,
            source="machine_type",
            accepted=", ".join(possible),
            remedy="Use one of these, or another shard_size.",
        )
