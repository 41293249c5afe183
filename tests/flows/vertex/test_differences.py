"""What is there with other settings: refused with both values before anything is changed, or changed in place."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
NAME = "settled"

DIFFERENCES = {
    "distance": (["--distance-measure", "SQUARED_L2_DISTANCE"], "distance_measure", "DOT_PRODUCT_DISTANCE", "SQUARED_L2_DISTANCE"),
    "algorithm": (["--algorithm", "brute-force"], "algorithm", "tree-ah", "brute-force"),
    "leaf size": (["--leaf-node-embedding-count", 500], "leaf_node_embedding_count", "1000", "500"),
    "leaves searched": (["--fraction-leaf-nodes-to-search", 0.07], "fraction_leaf_nodes_to_search", "0.05", "0.07"),
    "norm": (["--feature-norm", "UNIT_L2_NORM"], "feature_norm", "NONE", "UNIT_L2_NORM"),
    "candidates": (["--approximate-neighbors-count", 20], "approximate_neighbors_count", "150", "20"),
    "shard size": (["--shard-size", "SHARD_SIZE_SMALL"], "shard_size", "SHARD_SIZE_MEDIUM", "SHARD_SIZE_SMALL"),
    "update method": (["--update-method", "BATCH_UPDATE"], "update_method", "STREAM_UPDATE", "BATCH_UPDATE"),
    "endpoint": (["--endpoint", "vpc"], "endpoint", "public", "vpc"),
    "machine": (["--machine-type", "e2-standard-16"], "machine_type", "automatic", "e2-standard-16"),
}  # fmt: skip


@pytest.fixture
def settled(service, build):
    """An index that is built once for all tests here."""
    if not service.indexes(NAME):
        build(service, name=NAME)
    return service


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_difference_that_cannot_be_changed_in_place_is_refused_with_both_values(
    difference, settled, build, vectors
):
    options, *parts = DIFFERENCES[difference]
    # Other data too: nothing of them may be uploaded before the difference is found.
    assert_refused(settled, build, vectors("new.hdf5", seed=3), options, parts)


def test_other_dimensions_are_refused_too(settled, build, vectors):
    assert_refused(settled, build, vectors("new.hdf5", dimensions=12), [], ["dimensions", "8", "12"])


def assert_refused(service, build, data, options, parts):
    writes, generations = service.writes, service.generations(NAME)
    error = build(service, *options, name=NAME, data=data, code=1).error
    for part in (*parts, NAME, "Choose another --name", "tear"):
        assert str(part) in error, error
    assert (service.writes, service.generations(NAME)) == (writes, generations)


def test_other_replicas_are_changed_in_place_once_and_stay_when_they_are_not_named(service, build, name):
    build(service)
    before = len(service.writes)
    changed = build(service, "--max-replicas", 3)
    assert service.writes[before:] == ["MutateDeployedIndex"]
    assert "Done: changed the replicas." in changed.err
    assert "1 to 3 replicas" in changed.err, "what they cost is said"
    (deployed,) = service.endpoints(name)[0].deployed_indexes
    resources = deployed.automatic_resources
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 3)
    for options in (["--max-replicas", 3], []):
        again = build(service, *options)
        assert "Nothing to do" in again.err
        assert "USD per hour" not in again.err
    assert service.writes[before:] == ["MutateDeployedIndex"]
