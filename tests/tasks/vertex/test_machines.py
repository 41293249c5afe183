"""A machine that cannot serve the shards is refused before an index is built; what nobody listed passes."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput
from tasks.vertex.machines import DEFAULT_MACHINES, MACHINES, check_machine, check_tier

REFUSED = [
    ("e2-standard-2", None),
    ("e2-standard-2", "SHARD_SIZE_MEDIUM"),
    ("e2-standard-16", "SHARD_SIZE_LARGE"),
    ("n1-standard-16", "SHARD_SIZE_LARGE"),
]
SERVED = [
    (None, "SHARD_SIZE_LARGE"),
    ("e2-standard-2", "SHARD_SIZE_SMALL"),
    ("n1-standard-16", None),
    ("n2d-standard-32", "SHARD_SIZE_LARGE"),
    ("c9-new-64", "SHARD_SIZE_LARGE"),
]


@pytest.mark.parametrize(("machine", "shard_size"), REFUSED)
def test_a_machine_that_cannot_serve_the_shards_is_refused_with_those_that_can(machine, shard_size):
    with pytest.raises(InvalidInput, match=f"{machine}.*n1-standard-32, n2d-standard-32"):
        check_machine(machine, shard_size)


@pytest.mark.parametrize(("machine", "shard_size"), SERVED)
def test_a_machine_that_can_or_that_nobody_listed_passes(machine, shard_size):
    check_machine(machine, shard_size)


def test_storage_optimized_shards_take_no_machine_and_other_shards_not_their_tier():
    with pytest.raises(InvalidInput, match="SHARD_SIZE_SO_DYNAMIC take no machine type: 'n1-standard-32'"):
        check_machine("n1-standard-32", "SHARD_SIZE_SO_DYNAMIC")
    for size in (None, "SHARD_SIZE_LARGE"):
        with pytest.raises(InvalidInput, match="with the shard_size SHARD_SIZE_SO_DYNAMIC only"):
            check_tier("STORAGE", size)
    check_machine(None, "SHARD_SIZE_SO_DYNAMIC")
    check_tier("STORAGE", "SHARD_SIZE_SO_DYNAMIC")
    check_tier(None, "SHARD_SIZE_SO_DYNAMIC")


def test_what_the_service_picks_can_serve_what_it_is_picked_for():
    assert all(machine in MACHINES[size] for size, machine in DEFAULT_MACHINES.items())
