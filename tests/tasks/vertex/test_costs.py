import dataclasses
import re

import pytest

from tasks.vertex.costs import hourly_cost
from tasks.vertex.specs import DeployedIndexSpec


@pytest.mark.parametrize(
    ("fields", "shard_size", "said"),
    [
        ({}, None, "about 0.75 USD per hour .* 1 replica of e2-standard-16"),
        ({}, "SHARD_SIZE_SMALL", "about 0.09 USD"),
        (
            {"min_replicas": 2, "max_replicas": 4},
            "SHARD_SIZE_LARGE",
            "2.02 to 4.05 USD .* 2 to 4 replicas",
        ),
        ({"machine_type": "n1-standard-16", "min_replicas": 2}, None, "about 2.13 USD .* 2 replicas"),
        ({"machine_type": "z9-mega"}, None, "of z9-mega, whose price is not known here"),
    ],
)
def test_a_cost_says_its_sentence_or_that_it_does_not_know(fields, shard_size, said):
    cost = hourly_cost(DeployedIndexSpec(name="products", location="us-central1", **fields), shard_size)
    assert re.search(said, str(cost))
    assert "price list" in str(cost)


def test_what_two_deployed_indexes_cost_is_their_sum():
    one = hourly_cost(DeployedIndexSpec(name="products", location="us-central1"), None)
    two = dataclasses.replace(one, deployed_indexes=2)
    assert str(two).startswith(
        "2 deployed indexes cost about 1.50 USD per hour and shard until they are undeployed"
    )
    assert "1 replica of e2-standard-16 each" in str(two)
