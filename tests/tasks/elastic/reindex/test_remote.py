"""Documents of another cluster, which the target's cluster reads; the stand-in is its own other cluster here."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from sandbox import faults
from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.privileges import Need, verify_privileges
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.indices import ensure_index, remove_index
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    remove_pipeline,
)
from tasks.elastic.indices.remotes import (
    RemoteNotRead,
    address_of,
    of_the_other_cluster,
    remote_source,
    verify_remote,
)
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.reindex.repair import apply_repair
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField, IndexSpec, embedded_properties
from tasks.elastic.verification.verification import verify_completeness
from tasks.errors import InvalidInput

PLOT = EmbeddedField(input="plot", output="plot_embedding")
FAST = BatchPlan(size=50, slices=1, per_second=100.0, lowered=())


@pytest.fixture
def embedding(settings, movies, deployed, name):
    """The films of the other cluster, and a new index for them."""
    ensure_pipeline.fn(settings, inference_pipeline(name, deployed, (PLOT,)))
    properties = embedded_properties((PLOT,), failure=FAILURE_FIELD)
    ensure_index.fn(settings, IndexSpec(name=f"{name}-dest", properties=properties, replicas=0))
    yield ReindexSpec(
        source=movies, dest=f"{name}-dest", pipeline=name, deployment_id=deployed, fields=(PLOT,),
        remote=address_of(settings), query={"range": {"year": {"gte": 2000}}},
    )  # fmt: skip
    remove_index.fn(settings, f"{name}-dest")
    remove_pipeline.fn(settings, name)


def test_documents_are_embedded_from_there_and_what_is_missing_is_filled(settings, embedding, deadline):
    plan = read_batch_plan.fn(settings, embedding, per_second=50.0, remote=settings)
    done = apply_reindex.fn(settings, embedding, plan, deadline, remote=settings)
    assert done.documents == done.wanted > 10
    client = connect(settings)
    lost = client.search(index=embedding.dest, size=1)["hits"]["hits"][0]["_id"]
    client.delete(index=embedding.dest, id=lost, refresh=True)
    before = read_deployment.fn(settings, embedding.deployment_id).inferences
    assert apply_reindex.fn(settings, embedding, plan, deadline, remote=settings).documents == done.wanted
    assert read_deployment.fn(settings, embedding.deployment_id).inferences == before, "copied, not embedded"
    assert apply_repair.fn(settings, embedding, FAST, deadline).repaired == 1
    assert verify_completeness.fn(settings, embedding.dest, (PLOT,), wanted=done.wanted).unembedded == 0


def test_a_cluster_that_may_read_the_other_one_is_asked_without_a_trace(settings, movies, name):
    verify_remote.fn(settings, settings, movies, f"{name}-nothing")
    assert not connect(settings).indices.exists(index=f"{name}-nothing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://old.example.org:9200"}, r"reindex.remote.whitelist: old.example.org:9200"),
        ({"api_key": SecretStr("bm9ib2R5Om5vdGhpbmc=")}, "must be valid there"),
        ({"url": "http://127.0.0.1:1"}, "must reach this address"),
    ],
    ids=["not whitelisted", "credentials", "nobody there"],
)
def test_what_the_cluster_cannot_read_is_said_before_anything_is_made(settings, movies, name, change, said):
    remote = settings.model_copy(update=change)
    with pytest.raises(RemoteNotRead, match=said):
        verify_remote.fn(settings, remote, movies, f"{name}-nothing")


def test_a_lost_reply_of_the_own_cluster_is_no_fault_of_the_other_one(sandbox, settings, movies, name):
    faults.add(sandbox.state, "reindex", "reset", "after")
    with pytest.raises(ServiceUnwell, match="no answer"):
        verify_remote.fn(settings, settings, movies, f"{name}-nothing")
    verify_remote.fn(settings, settings, movies, f"{name}-nothing")


def test_refused_credentials_of_the_other_cluster_are_told_by_their_own_names(settings, movies):
    remote = settings.model_copy(update={"api_key": SecretStr("bm9ib2R5Om5vdGhpbmc=")})
    need = Need(what="read the source", names=(movies,), on_indices=("read",))
    with (
        pytest.raises(
            InvalidInput, match=r"Set or correct ELASTIC_REMOTE_API_KEY, or ELASTIC_REMOTE_USERNAME"
        ),
        of_the_other_cluster(),
    ):
        verify_privileges.fn(remote, (need,))


def test_an_address_is_told_with_its_port_and_the_credentials_beside_it():
    remote = ElasticSettings(
        url="https://old.example.org/es/", username="u", password=SecretStr("secret-word")
    )
    assert address_of(remote) == "https://old.example.org:443/es"
    assert remote_source(remote) == {
        "host": "https://old.example.org:443/es", "username": "u", "password": "secret-word",
    }  # fmt: skip
    with pytest.raises(InvalidInput, match="one address"):
        address_of(ElasticSettings(url="https://a.example.org,https://b.example.org"))
