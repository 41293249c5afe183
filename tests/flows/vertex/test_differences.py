"""What is there with other settings: refused with both values before anything is changed, or changed in place."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
NAME = "settled"
KEY = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"

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
    "key": (["--kms-key", KEY], "kms_key", "none, but Google's own key", KEY),
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


def test_labels_keys_and_tiers_are_what_was_asked_for_and_labels_change_in_place(service, build, name):
    options = [
        *("--kms-key", KEY, "--shard-size", "SHARD_SIZE_SO_DYNAMIC", "--deployment-tier", "STORAGE"),
        *("--label", "team=search", "--label", "cost-center=7"),
    ]
    before = len(service.writes)
    build(service, *options)
    assert service.made_since(before) == ["CreateIndex", "CreateIndexEndpoint", "DeployIndex"]
    (index,), (endpoint,) = service.indexes(name), service.endpoints(name)
    for made in (index, endpoint):
        assert made.encryption_spec.kms_key_name == KEY
        assert {"team": "search", "cost-center": "7", "name": name}.items() <= dict(made.labels).items()
    assert endpoint.deployed_indexes[0].deployment_tier.name == "STORAGE"

    before = len(service.writes)
    told = build(service, *options[:6], "--label", "team=ads").err
    assert "Done: changed the labels of the index and changed the labels of the endpoint." in told
    assert service.made_since(before) == ["UpdateIndex", "UpdateIndexEndpoint"]
    for made in (service.indexes(name)[0], service.endpoints(name)[0]):
        assert {"team": "ads", "cost-center": "7", "name": name}.items() <= dict(made.labels).items()
    writes = service.writes
    for more in (["--label", "team=ads"], []):
        assert "Nothing to do" in build(service, *options[:6], *more).err
    error = build(service, *options[:4], code=1).error
    assert "deployment_tier='STORAGE'" in error
    assert "the service's default" in error
    assert service.writes == writes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "name=x"], "one of the marks by which this project knows"),
        (["--kms-key", KEY.replace("us-central1", "europe-west4")], "in the region of the index"),
        (["--deployment-tier", "STORAGE"], "with the --shard-size SHARD_SIZE_SO_DYNAMIC only"),
        (
            ["--shard-size", "SHARD_SIZE_SO_DYNAMIC", "--machine-type", "n1-standard-32"],
            "take no machine type",
        ),
    ],
    ids=["our mark", "key elsewhere", "tier", "machine"],
)
def test_what_the_service_would_refuse_is_refused_before_anything_is_made(service, build, words, said):
    writes = service.writes
    assert said in build(service, *words, code=2).error
    assert service.writes == writes
