"""More allocations while documents are embedded, the final number afterwards; and clusters that grow by themselves."""

from __future__ import annotations

import pytest

from tasks.elastic.cluster.deployment_states import read_deployment
from tests.polling import until

pytestmark = pytest.mark.slow
SCALED = ["--load-allocations", 3, "--final-allocations", 1]


def allocations(cluster, deployment):
    return read_deployment.fn(cluster.settings, deployment).allocations


@pytest.fixture
def updates(cluster):
    """How often the allocations of a deployment were changed since the test began."""
    before = cluster.writes.count("ml.update_trained_model_deployment")
    return lambda: cluster.writes.count("ml.update_trained_model_deployment") - before


def test_a_deployment_has_more_allocations_for_the_load_and_the_final_number_afterwards(
    cluster, embed, elastic, name, movies, updates
):
    cluster.deploy(name, allocations=2)
    source = cluster.store(f"{name}-source", movies[:12])
    said = embed(cluster, source, "plot", *SCALED, deployment=name).err
    assert f"set the allocations of {name} to 3" in said
    assert f"set the allocations of {name} to 1" in said
    assert (allocations(cluster, name), updates()) == (1, 2)
    assert cluster.unembedded(name, "plot") == 0
    writes = cluster.writes
    assert "Nothing to do" in embed(cluster, source, "plot", *SCALED, deployment=name).err
    assert cluster.writes == writes
    elastic(cluster, "teardown", "--name", name, "--deployments", name, "--yes")


def test_a_run_that_was_killed_while_scaled_up_ends_with_the_final_number(
    slow_cluster, embed, begin, kill, elastic, name, glosses
):
    cluster = slow_cluster
    cluster.deploy(name, cache_size="0b")
    source = cluster.store(f"source-{name}", glosses(120))
    command = embed(cluster, source, "gloss", "--batch-size", 12, *SCALED, deployment=name, begin=begin)
    until(lambda: cluster.arrived(name), "the first documents")
    cluster.rethrottle(1)
    kill(command)
    assert cluster.arrived(name) < 120
    assert allocations(cluster, name) == 3
    cluster.rethrottle(-1)
    embed(cluster, source, "gloss", *SCALED, deployment=name)
    assert allocations(cluster, name) == 1
    assert cluster.unembedded(name, "gloss") == 0
    elastic(cluster, "teardown", "--name", name, "--deployments", name, "--yes")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--load-allocations", 3], 2, "Give both"),
        (["--final-allocations", 3], 2, "Give both"),
        (["--load-allocations", 99, "--final-allocations", 1], 1, "Nothing was started"),
    ],
)
def test_a_number_of_allocations_that_cannot_be_is_refused_before_anything_is_made(
    cluster, embed, name, movies, options, code, said
):
    source = cluster.store(f"{name}-source", movies[:4])
    writes = cluster.writes
    assert said in embed(cluster, source, "plot", *options, code=code).error
    assert cluster.writes == writes


def test_a_deployment_that_grows_by_itself_is_not_scaled_by_hand(cluster, embed, elastic, name, movies):
    elastic(
        cluster, "deploy", "--name", name, "--search-allocations", 0, "--ingest-adaptive.max", 4,
    )  # fmt: skip
    source = cluster.store(f"{name}-source", movies[:4])
    writes = cluster.writes
    refused = embed(cluster, source, "plot", *SCALED, deployment=f"{name}-ingest", code=2)
    assert "adaptive allocations" in refused.error
    assert cluster.writes == writes
    elastic(cluster, "teardown", "--name", name, "--deployments", f"{name}-ingest", "--yes")


def test_a_cluster_without_a_node_grows_when_it_may(cluster_with, elastic, name):
    cluster = cluster_with(ml_nodes=0, grow_seconds=0.2)
    assert "--may-grow" in elastic(cluster, "deploy", "--name", name, code=1).error
    said = elastic(cluster, "deploy", "--name", name, "--may-grow").out
    assert f"start deployment {name}-ingest" in said
    assert "ML memory" in elastic(cluster, "check").out
    elastic(cluster, "teardown", "--name", name, "--deployments", f"{name}-ingest", f"{name}-search", "--yes")


def test_texts_that_the_model_cuts_are_told_before_and_after(cluster, embed, elastic, name, movies):
    long = {"id": "long", "plot": "A detective walks. " * 300}
    source = cluster.store(f"{name}-source", [*movies[:4], long])
    assert "1 of the 1 longest texts of all 5 documents are truncated after 512 tokens: long" in _flat(
        embed(cluster, source, "plot").out
    )
    found = _flat(elastic(cluster, "diagnose", "--name", name).out)
    assert "texts are longer than what the model reads" in found
    assert "passages" in found


def _flat(table):
    return " ".join(table.replace("│", " ").split())
