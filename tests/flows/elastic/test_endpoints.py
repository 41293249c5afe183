"""Inference endpoints by command: made, made again, killed halfway, changed, refused and deleted."""

from __future__ import annotations

import pytest

from tests.polling import until

pytestmark = pytest.mark.slow


def endpoint(cluster, name):
    (found,) = cluster.client.inference.get(inference_id=name)["endpoints"]
    return found


@pytest.fixture
def ensure(elastic, name):
    def of(cluster, *options, code=0):
        return elastic(cluster, "endpoint-ensure", "--name", name, *options, code=code)

    return of


def test_an_endpoint_is_made_scaled_in_place_and_deleted_and_each_again_changes_nothing(
    cluster, ensure, elastic, name
):
    assert "answers" in ensure(cluster).out
    assert endpoint(cluster, name)["task_type"] == "sparse_embedding"
    writes = list(cluster.writes)
    assert "unchanged" in ensure(cluster).out
    assert cluster.writes == writes
    ensure(cluster, "--allocations", 2)
    assert endpoint(cluster, name)["service_settings"]["num_allocations"] == 2
    other = ensure(cluster, "--model-id", ".elser_model_2_linux-x86_64", code=1)
    assert "model_id cannot be changed in place" in other.error

    elastic(cluster, "endpoint-delete", "--name", name, "--yes")
    assert not cluster.client.inference.get(inference_id=f"{name}*")["endpoints"]
    writes = list(cluster.writes)
    assert "Nothing to do" in elastic(cluster, "endpoint-delete", "--name", name, "--yes").err
    assert cluster.writes == writes


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_is_made_the_same_command_finishes_it(cluster, begin, kill, ensure, name, when):
    struck = len(cluster.struck)
    cluster.fault("inference.put", "stall", when, seconds=60)
    words = ("elastic", "endpoint-ensure", "--name", name, "--target", "sandbox")
    command = begin(cluster, *words)
    until(lambda: cluster.struck[struck:], "the fault")
    kill(command)
    assert "answers" in ensure(cluster).out
    cluster.client.inference.delete(inference_id=name)


def test_an_endpoint_without_its_deployment_gets_it_back(cluster, ensure, name):
    ensure(cluster)
    cluster.client.ml.stop_trained_model_deployment(model_id=name)
    assert "has no deployment" in ensure(cluster).err
    cluster.client.inference.delete(inference_id=name)


def test_an_endpoint_in_use_is_not_deleted_and_its_users_are_named(cluster, ensure, elastic, name):
    ensure(cluster)
    field = {"type": "semantic_text", "inference_id": name}
    cluster.client.indices.create(index=f"uses-{name}", mappings={"properties": {"plot": field}})
    refused = elastic(cluster, "endpoint-delete", "--name", name, "--yes", code=1)
    assert f"is used by index uses-{name}" in refused.error
    assert endpoint(cluster, name)
    cluster.client.indices.delete(index=f"uses-{name}")
    elastic(cluster, "endpoint-delete", "--name", name, "--yes")
