"""Which machines serve which shards, as "Manage indexes" (docs/sources.md) lists them."""

from __future__ import annotations

from tasks.errors import InvalidInput
from tasks.vertex.specs import ShardSize

DEFAULT_SHARD_SIZE: ShardSize = "SHARD_SIZE_MEDIUM"
"""The service's default."""

DEFAULT_MACHINES: dict[ShardSize, str] = {
    "SHARD_SIZE_SMALL": "e2-standard-2",
    "SHARD_SIZE_MEDIUM": "e2-standard-16",
    "SHARD_SIZE_LARGE": "e2-highmem-16",
}
"""What the service picks with automatic resources."""

_LARGE = ("e2-highmem-16", "n1-standard-32", "n2d-standard-32")
_MEDIUM = ("e2-standard-16", "n1-standard-16", *_LARGE)
MACHINES: dict[ShardSize, tuple[str, ...]] = {
    "SHARD_SIZE_SMALL": ("e2-standard-2", *_MEDIUM),
    "SHARD_SIZE_MEDIUM": _MEDIUM,
    "SHARD_SIZE_LARGE": _LARGE,
}
"""The machines that can be requested instead."""


def check_machine(machine_type: str | None, shard_size: ShardSize | None) -> None:
    """See that a machine serves shards of a size. One that the documentation does not list anywhere may be a new one.

    Raises:
        InvalidInput: it is listed, and not for this size. The service would refuse only after the index is built.
    """
    size = shard_size or DEFAULT_SHARD_SIZE
    possible, known = MACHINES[size], MACHINES["SHARD_SIZE_SMALL"]
    if machine_type in known and machine_type not in possible:
        raise InvalidInput(
            f"This machine cannot serve shards of {size}",
            value=machine_type,
            source="machine_type",
            accepted=", ".join(possible),
            remedy="Use one of these, or another shard_size.",
        )
