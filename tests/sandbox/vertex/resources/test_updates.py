"""Updates as clients send them: whole resources as they were read, masks of all kinds, and what cannot change."""

import json

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from tests.polling import SOON

SCHEMA = "gs://google-cloud-aiplatform/schema/matchingengine/metadata/nearest_neighbor_search_1.0.0.yaml"


@pytest.fixture
def created(clients):
    """A stream index as it was read, with every field that a client may set."""
    config = {"dimensions": 2, "approximateNeighborsCount": 10, "algorithmConfig": {"treeAhConfig": {}}}
    index = {
        "display_name": "updated",
        "description": "to be updated",
        "labels": {"team": "a"},
        "metadata_schema_uri": SCHEMA,
        "metadata": {"config": config},
        "index_update_method": "STREAM_UPDATE",
        "encryption_spec": {"kms_key_name": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"},
    }
    made = clients.indexes.create_index(parent=clients.parent, index=index)
    return clients.indexes.get_index(name=made.result(timeout=60, polling=SOON).name)


def folder(clients):
    bucket = clients.bucket()
    bucket.blob("new/a.json").upload_from_string(json.dumps({"id": "a", "embedding": [1, 2]}))
    return f"gs://{bucket.name}/new"


def update(clients, index, *paths):
    request = {"index": index, "update_mask": {"paths": paths}} if paths else {"index": index}
    return clients.indexes.update_index(request=request).result(timeout=60, polling=SOON)


def test_an_index_as_it_was_read_with_new_content_is_an_update_of_its_content(clients, created):
    metadata = {"contentsDeltaUri": folder(clients), "isCompleteOverwrite": True}
    created.metadata = {**created.metadata, **metadata}
    update(clients, created)
    after = clients.indexes.get_index(name=created.name)
    assert after.index_stats.vectors_count == 1
    assert (after.display_name, dict(after.labels)) == ("updated", {"team": "a"})
    assert "contentsDeltaUri" not in after.metadata
    update(clients, {"name": created.name, "metadata": metadata})  # as a PATCH without a mask sends it
    bare = {"name": created.name, "display_name": "updated", "metadata": metadata}
    update(clients, bare, "display_name", "metadata")


def test_fields_that_are_sent_back_as_they_were_read_change_nothing(clients, created):
    update(clients, created)
    assert clients.indexes.get_index(name=created.name).labels == created.labels
    created.etag, created.description = "", "changed"
    update(clients, created)
    assert clients.indexes.get_index(name=created.name).description == "changed"


def test_a_mask_clears_what_is_not_sent_and_a_star_names_everything(clients, created):
    bare = {"name": created.name, "display_name": "renamed"}
    update(clients, bare)
    after = clients.indexes.get_index(name=created.name)
    assert (after.display_name, after.description, dict(after.labels)) == (
        "renamed",
        "to be updated",
        {"team": "a"},
    )
    update(clients, bare, "labels")
    assert not clients.indexes.get_index(name=created.name).labels
    update(clients, {**bare, "display_name": "all"}, "*")
    after = clients.indexes.get_index(name=created.name)
    assert (after.display_name, after.description) == ("all", "")


@pytest.mark.parametrize(
    ("fields", "paths", "problem"),
    [
        ({"index_update_method": "BATCH_UPDATE"}, (), "index_update_method of an Index cannot change"),
        (
            {"metadata_schema_uri": "gs://other/schema.yaml"},
            (),
            "metadata_schema_uri of an Index cannot change",
        ),
        ({"encryption_spec": {"kms_key_name": "other"}}, (), "encryption_spec of an Index cannot change"),
        ({}, ("encryption_spec",), "encryption_spec of an Index cannot change"),
        ({"metadata": {"config": {"dimensions": 3}}}, (), "config of an Index cannot change: dimensions"),
        ({"metadata": {"config": {"shardSize": "SHARD_SIZE_LARGE"}}}, (), "cannot change: shardSize"),
        ({"metadata": {"isCompleteOverwrite": True}}, (), "isCompleteOverwrite needs a contentsDeltaUri"),
        ({}, ("update_time",), "'update_time' cannot be changed"),
        ({"labels": {"team": "b"}}, ("labels.team",), "'labels.team' is not a field"),
        ({}, ("displayName",), "'displayName' is not a field; accepted: display_name"),
    ],
    ids=[
        "method",
        "schema",
        "key",
        "key by mask",
        "dimensions",
        "shards",
        "overwrite with nothing",
        "output only",
        "path within",
        "no field",
    ],
)
def test_what_cannot_change_is_refused_by_name(clients, created, fields, paths, problem):
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        update(clients, {"name": created.name, **fields}, *paths)
    after = clients.indexes.get_index(name=created.name)
    assert (after.etag, after.metadata) == (created.etag, created.metadata)


def test_a_config_that_says_the_same_in_other_words_is_no_change(clients, created):
    config = {"dimensions": 2.0, "featureNormType": None, "algorithm_config": {"tree_ah_config": {}}}
    update(clients, {"name": created.name, "metadata": {"config": config}})


def test_an_endpoint_as_it_was_read_may_be_sent_back_but_keeps_its_kind(clients):
    endpoint = clients.endpoints.get_index_endpoint(name=clients.endpoint("psc"))
    endpoint.description = "changed"
    updated = clients.endpoints.update_index_endpoint(request={"index_endpoint": endpoint})
    assert updated.description == "changed"
    network = {"name": endpoint.name, "network": clients.environment["VERTEX_NETWORK"]}
    with pytest.raises(exceptions.InvalidArgument, match="network of an IndexEndpoint cannot change"):
        clients.endpoints.update_index_endpoint(request={"index_endpoint": network})


def test_a_mutation_changes_nothing_but_the_resources(clients):
    index = clients.index()
    endpoint, deployed = clients.public(index)
    (shown,) = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes
    shown.automatic_resources.max_replica_count = 5
    mutate = clients.endpoints.mutate_deployed_index
    done = mutate(index_endpoint=endpoint, deployed_index=shown).result(timeout=60, polling=SOON)
    assert done.deployed_index.automatic_resources.max_replica_count == 5
    shown.display_name, shown.enable_access_logging = "other", True
    with pytest.raises(exceptions.InvalidArgument, match="would change display_name, enable_access_logging"):
        mutate(index_endpoint=endpoint, deployed_index=shown)
    assert deployed == shown.id


def test_a_listing_shows_the_fields_of_its_read_mask(clients, created):
    request = {
        "parent": clients.parent,
        "filter": f'name="{created.name}" AND create_time>=2026-01-01 AND NOT labels.team=b',
        "read_mask": {"paths": ["name", "labels"]},
    }
    (shown,) = clients.indexes.list_indexes(request=request)
    assert shown == v1.Index(name=created.name, labels={"team": "a"})
    with pytest.raises(exceptions.InvalidArgument, match="read mask"):
        clients.indexes.list_indexes(request={**request, "read_mask": {"paths": ["title"]}})
