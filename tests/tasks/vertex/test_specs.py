"""Specifications: a hash that every process agrees on, and differences named as the options are."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from tasks.errors import InvalidInput
from tasks.vertex.specs import DeployedIndexSpec, EndpointSpec, IndexSpec, check_kms_key

HERE = "us-central1"
KEY = f"projects/p/locations/{HERE}/keyRings/r/cryptoKeys/k"
SPEC = IndexSpec(name="products", dimensions=8)
THERE = SPEC.config() | {"shardSize": "SHARD_SIZE_MEDIUM"}
TREE = {"leafNodeEmbeddingCount": 1000.0, "fractionLeafNodesToSearch": 0.05}


def tree(**changed):
    return {"algorithmConfig": {"treeAhConfig": TREE | changed}}


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"dimensions": 8.0, "approximateNeighborsCount": 150.0},
        {"distanceMeasureType": None, "featureNormType": None, "shardSize": None, "algorithmConfig": None},
        tree(),
        tree(leafNodesToSearchPercent=None, leafNodeEmbeddingCount=None),
        {"algorithmConfig": {"treeAhConfig": {}}},
        {"algorithmConfig": {"treeAhConfig": None}},
        {"shardSize": "SHARD_SIZE_LARGE"},
    ],
    ids=["as sent", "whole numbers as doubles", "nulls", "tree of doubles", "tree with nulls", "empty tree", "tree null", "shard size left to the service"],
)  # fmt: skip
def test_what_means_the_same_is_no_difference(shown):
    assert SPEC.difference(THERE | shown) is None


@pytest.mark.parametrize(
    ("wanted", "shown", "difference"),
    [
        ({}, {"dimensions": 100.0}, ("dimensions", 100, 8)),
        ({}, {"distanceMeasureType": "L1_DISTANCE"}, ("distance_measure", "L1_DISTANCE", "DOT_PRODUCT_DISTANCE")),
        ({"distance_measure": "L1_DISTANCE"}, {"distanceMeasureType": None}, ("distance_measure", "DOT_PRODUCT_DISTANCE", "L1_DISTANCE")),
        ({}, {"featureNormType": "UNIT_L2_NORM"}, ("feature_norm", "UNIT_L2_NORM", "NONE")),
        ({}, {"approximateNeighborsCount": 20.0}, ("approximate_neighbors_count", 20, 150)),
        ({"shard_size": "SHARD_SIZE_SMALL"}, {"shardSize": None}, ("shard_size", "SHARD_SIZE_MEDIUM", "SHARD_SIZE_SMALL")),
        ({}, tree(leafNodeEmbeddingCount=500.0), ("leaf_node_embedding_count", 500, 1000)),
        ({"leaf_node_embedding_count": 500}, tree(leafNodeEmbeddingCount=None), ("leaf_node_embedding_count", 1000, 500)),
        ({}, tree(fractionLeafNodesToSearch=0.5), ("fraction_leaf_nodes_to_search", 0.5, 0.05)),
        ({}, {"algorithmConfig": {"bruteForceConfig": {}}}, ("algorithm", "brute-force", "tree-ah")),
        ({"algorithm": "brute-force"}, {}, ("algorithm", "tree-ah", "brute-force")),
    ],
)  # fmt: skip
def test_a_difference_names_the_option_what_is_there_and_what_is_wanted(wanted, shown, difference):
    found = SPEC.model_copy(update=wanted).difference(THERE | shown)
    assert found == difference
    assert [type(value) for value in found or ()] == [type(value) for value in difference]


def test_the_leaves_of_a_brute_force_index_do_not_matter():
    spec = IndexSpec(name="a", dimensions=8, algorithm="brute-force", leaf_node_embedding_count=5)
    assert spec.difference(IndexSpec(name="a", dimensions=8, algorithm="brute-force").config()) is None


def test_what_came_later_changes_no_mark_where_it_says_nothing_and_counts_where_it_does():
    deployed = DeployedIndexSpec(name="a", location=HERE)
    marks = (SPEC.spec, EndpointSpec(name="a").spec, deployed.spec)
    assert marks == ("7905e754922e", "1a1e90a1ff11", "7e126d75e7d4"), "as before there were keys and tiers"
    assert SPEC.model_copy(update={"kms_key": KEY}).spec != SPEC.spec
    assert deployed.model_copy(update={"deployment_tier": "STORAGE"}).spec != deployed.spec


@pytest.mark.parametrize(
    "key", ["k", f"{KEY}/cryptoKeyVersions/1", KEY.replace(HERE, "global"), KEY.replace(HERE, "us")]
)
def test_a_key_that_is_none_or_lies_elsewhere_is_refused(key):
    with pytest.raises(InvalidInput, match=rf"from kms_key.*locations/{HERE}/keyRings"):
        check_kms_key(key, HERE)
    check_kms_key(KEY, HERE)
    check_kms_key(None, HERE)


def test_the_hash_is_the_same_in_every_process_and_leaves_the_name_out():
    code = "from tasks.vertex.specs import IndexSpec; print(IndexSpec(name='other', dimensions=8).spec)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == SPEC.spec
    assert len(SPEC.spec) == 12
    assert int(SPEC.spec, 16)


def test_every_immutable_setting_changes_the_hash():
    changes = (
        {}, {"dimensions": 9}, {"algorithm": "brute-force"}, {"distance_measure": "L1_DISTANCE"}, {"feature_norm": "UNIT_L2_NORM"},
        {"shard_size": "SHARD_SIZE_SMALL"}, {"update_method": "BATCH_UPDATE"}, {"approximate_neighbors_count": 10},
        {"leaf_node_embedding_count": 10}, {"fraction_leaf_nodes_to_search": 0.1},
    )  # fmt: skip
    assert len({SPEC.model_copy(update=change).spec for change in changes}) == len(changes)
    network = "projects/1/global/networks/x"
    endpoints = (EndpointSpec(name="a"), EndpointSpec(name="a", kind="vpc", network=network))
    assert len({spec.spec for spec in endpoints}) == 2


@pytest.mark.parametrize(
    ("asked", "there", "wanted"),
    [
        ((None, None), None, (1, 1)),
        ((None, None), (5, 5), (5, 5)),
        ((None, 3), None, (1, 3)),
        ((None, 7), (2, 5), (2, 7)),
        ((3, None), None, (3, 3)),
        ((3, None), (1, 5), (3, 5)),
        ((6, None), (1, 5), (6, 6)),
        ((1, 1), (5, 5), (1, 1)),
    ],
)
def test_replicas_that_are_not_asked_for_stay_as_they_are(asked, there, wanted):
    spec = DeployedIndexSpec(name="a", location=HERE, min_replicas=asked[0], max_replicas=asked[1])
    assert spec.replicas(there) == wanted


@pytest.mark.parametrize(("least", "there"), [(3, None), (None, (3, 5))])
def test_fewer_replicas_at_most_than_at_least_are_refused(least, there):
    spec = DeployedIndexSpec(name="a", location=HERE, min_replicas=least, max_replicas=2)
    with pytest.raises(InvalidInput, match=r"2 \(from max_replicas\).*3 or more, the min_replicas"):
        spec.replicas(there)


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a.b", "-a", "a" * 64, "ä"])
def test_a_name_that_the_service_would_refuse_is_refused(name):
    with pytest.raises(ValidationError):
        DeployedIndexSpec(name=name, location=HERE)


def test_the_same_name_has_another_deployed_index_id_in_every_region():
    ids = [
        DeployedIndexSpec(name="glove-100", location=where).id for where in ("us-central1", "europe-west4")
    ]
    assert ids == ["glove_100_us_central1", "glove_100_europe_west4"]


def test_replicas_are_always_sent():
    spec = DeployedIndexSpec(name="glove-100", location=HERE)
    assert spec.resources() == {"automatic_resources": {"min_replica_count": 1, "max_replica_count": 1}}
    assert DeployedIndexSpec(name="a", location=HERE, machine_type="m", max_replicas=2).resources() == {
        "dedicated_resources": {
            "machine_spec": {"machine_type": "m"},
            "min_replica_count": 1,
            "max_replica_count": 2,
        }
    }
