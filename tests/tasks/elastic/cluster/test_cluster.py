from types import SimpleNamespace

import pytest

from flows.elastic.embedding import steps
from flows.elastic.embedding.plan import EmbedPlan
from tasks.elastic.cluster import cluster as clusters
from tasks.elastic.cluster.cluster import (
    ClusterNotReady,
    read_cluster,
    release_of,
    verify_cluster,
    verify_release,
)
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput
from tests.client import ONLY_CLIENT_8, VERSION


def test_a_cluster_with_everything_is_ready(settings, deployed):
    cluster = verify_cluster.fn(settings)
    assert (cluster.release, cluster.licence, len(cluster.ml_nodes)) == (release_of(VERSION), "trial", 2)
    assert sum(node.used_processors for node in cluster.ml_nodes) >= 2
    assert all(node.processors == 8 and node.memory > 0 for node in cluster.ml_nodes)
    assert deployed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"licence": "basic"}, "license is 'basic'"),
        ({"ml_nodes": 0}, "no node with the role ml"),
        pytest.param({"version": "8.13"}, "8.15 or later", marks=ONLY_CLIENT_8),
    ],
)
def test_what_a_cluster_lacks_is_said_before_anything_is_done(start_sandbox, options, said):
    _, settings = start_sandbox(**options)
    assert said in read_cluster.fn(settings).missing()
    with pytest.raises(ClusterNotReady, match=said):
        verify_cluster.fn(settings)


def test_a_cluster_that_cannot_say_what_lacks_its_embedding_is_refused_before_it_embeds(
    settings, monkeypatch, changes
):
    verify_release.fn(settings)
    monkeypatch.setattr(clusters, "read_release", lambda _: (8, 14))
    with pytest.raises(InvalidInput, match=r"8\.14.*Accepted: 8\.15 or later"):
        verify_release.fn(settings)
    monkeypatch.setattr(steps, "verify_release", verify_release.fn)
    plan = EmbedPlan(alias="films", source="movies", fields=(EmbeddedField(input="plot", output="vector"),))
    with pytest.raises(InvalidInput, match=r"8\.15 or later"):
        steps.embed(SimpleNamespace(settings=settings, report=None), SimpleNamespace(plan=plan))
    assert changes() == []


@pytest.mark.slow
def test_a_wrong_key_is_a_wrong_setting(start_sandbox):
    _, settings = start_sandbox(api_key="Zm9vOmJhcg==")
    assert read_cluster.fn(settings).name
    with pytest.raises(InvalidInput, match="ELASTIC_API_KEY"):
        read_cluster.fn(settings.model_copy(update={"api_key": None}))
