"""Collections, indexes and data objects through the official clients."""

import json
import time

import pytest
from google.api_core import exceptions
from google.cloud import vectorsearch_v1 as v2

from sandbox import faults, write_log
from tests.polling import SOON
from tests.sandbox.vertex.collections.conftest import MOVIES, connected, movie


def test_a_collection_lives_from_its_creation_to_its_deletion(collections):
    name = collections.create(display_name="films", labels={"team": "a"})
    shown = collections.service.get_collection(name=name)
    assert shown.vector_schema["plot"].dense_vector.dimensions == 2
    assert dict(shown.labels) == {"team": "a"}
    changed = {"name": name, "labels": {"team": "b"}}
    updated = collections.service.update_collection(
        collection=changed, update_mask={"paths": ["labels"]}
    ).result(timeout=60, polling=SOON)
    assert (dict(updated.labels), updated.display_name) == ({"team": "b"}, "films")
    listed = collections.service.list_collections(
        request={"parent": collections.parent, "filter": "labels.team=b"}
    )
    assert name in [each.name for each in listed]
    collections.service.delete_collection(name=name).result(timeout=60, polling=SOON)
    with pytest.raises(exceptions.NotFound):
        collections.service.get_collection(name=name)


def test_a_collection_with_data_objects_is_deleted_only_by_force(collections):
    name = collections.movies()
    with pytest.raises(exceptions.BadRequest, match="3 data objects"):
        collections.service.delete_collection(name=name)
    collections.service.delete_collection(request={"name": name, "force": True}).result(
        timeout=60, polling=SOON
    )
    with pytest.raises(exceptions.NotFound):
        collections.objects.get_data_object(name=f"{name}/dataObjects/heat")


def test_a_request_id_makes_a_repetition_harmless(collections):
    request = {
        "parent": collections.parent,
        "collection_id": f"once-{id(collections)}",
        "collection": {"display_name": "once"},
        "request_id": f"6b8ce9a4-5b71-4a1c-9c7e-{id(collections) % 16**12:012x}",
    }
    first = collections.service.create_collection(request=request)
    second = collections.service.create_collection(request=request)
    assert first.operation.name == second.operation.name
    with pytest.raises(exceptions.Conflict):
        collections.service.create_collection(request={**request, "request_id": ""})


def test_an_index_shows_its_documented_defaults(collections):
    name = collections.movies()
    index = collections.service.create_index(
        parent=name, index_id="plots", index={"index_field": "plot", "filter_fields": ["year"]}
    ).result(timeout=60, polling=SOON)
    assert index.distance_metric == v2.DistanceMetric.DOT_PRODUCT
    assert index.dedicated_infrastructure.mode == v2.DedicatedInfrastructure.Mode.PERFORMANCE_OPTIMIZED
    assert index.dedicated_infrastructure.autoscaling_spec.min_replica_count == 2
    assert [each.name for each in collections.service.list_indexes(parent=name)] == [index.name]
    collections.service.delete_index(name=index.name).result(timeout=60, polling=SOON)
    assert not list(collections.service.list_indexes(parent=name))


def test_an_index_changes_its_replicas_by_the_documented_paths_and_nothing_else(collections):
    name = collections.movies()
    made = collections.service.create_index(parent=name, index_id="plots", index={"index_field": "plot"})
    made = made.result(timeout=60, polling=SOON)
    path = "dedicated_infrastructure.autoscaling_spec.max_replica_count"

    def changed(infrastructure, path):
        index = {"name": made.name, "dedicated_infrastructure": infrastructure}
        return collections.service.update_index(index=index, update_mask={"paths": [path]})

    index = changed({"autoscaling_spec": {"max_replica_count": 5}}, path).result(timeout=60, polling=SOON)
    spec = index.dedicated_infrastructure.autoscaling_spec
    assert (spec.min_replica_count, spec.max_replica_count) == (2, 5)
    for infrastructure, where, problem in (
        ({"mode": "STORAGE_OPTIMIZED"}, "dedicated_infrastructure", "mode of an Index cannot change"),
        ({}, "dedicated_infrastructure.mode", "is not a field"),
    ):
        with pytest.raises(exceptions.BadRequest, match=problem):
            changed(infrastructure, where)


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        ({"index_field": "words"}, "not a dense field"),
        ({"index_field": "none"}, "not a dense field"),
        ({"index_field": "plot", "filter_fields": ["director"]}, "not in the data schema"),
        (
            {
                "index_field": "plot",
                "dedicated_infrastructure": {
                    "autoscaling_spec": {"min_replica_count": 5, "max_replica_count": 3}
                },
            },
            "min_replica_count",
        ),
    ],
)
def test_an_index_that_the_schema_does_not_allow_is_refused(over_grpc, index, problem):
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        over_grpc.service.create_index(parent=over_grpc.create(), index_id="i", index=index)


def test_data_objects_are_created_read_changed_and_deleted(collections):
    name = collections.movies()
    read = collections.objects.get_data_object(name=f"{name}/dataObjects/heat")
    assert (read.data["year"], list(read.vectors["plot"].dense.values)) == (1995, [0, 1])
    changed = {"name": read.name, "data": {"year": 1996}}
    updated = collections.objects.update_data_object(
        data_object=changed, update_mask={"paths": ["data.year"]}
    )
    assert (updated.data["year"], updated.data["genre"]) == (1996, "Crime")
    assert updated.etag != read.etag
    with pytest.raises(exceptions.Conflict):
        collections.objects.delete_data_object(request={"name": read.name, "etag": read.etag})
    collections.objects.delete_data_object(request={"name": read.name, "etag": updated.etag})
    with pytest.raises(exceptions.NotFound):
        collections.objects.get_data_object(name=read.name)


def test_a_batch_takes_effect_as_a_whole_or_not_at_all(collections):
    name = collections.movies()
    requests = [
        {"parent": name, "data_object_id": "new", "data_object": movie("heat")},
        {"parent": name, "data_object_id": "heat", "data_object": movie("heat")},
    ]
    with pytest.raises(exceptions.Conflict):
        collections.objects.batch_create_data_objects(request={"parent": name, "requests": requests})
    assert collections.queried(name, {}) == set(MOVIES)
    deleted = [{"name": f"{name}/dataObjects/{each}"} for each in ("heat", "alien")]
    collections.objects.batch_delete_data_objects(request={"parent": name, "requests": deleted})
    assert collections.queried(name, {}) == {"gravity"}


def test_a_batch_holds_at_most_a_thousand_data_objects(over_grpc):
    name = over_grpc.create(vector_schema={}, data_schema={})
    requests = [
        {"parent": name, "data_object_id": f"o{number}", "data_object": {"data": {"n": number}}}
        for number in range(1001)
    ]
    with pytest.raises(exceptions.InvalidArgument, match="1001 requests; accepted: 1 to 1000"):
        over_grpc.objects.batch_create_data_objects(request={"parent": name, "requests": requests})
    created = over_grpc.objects.batch_create_data_objects(
        request={"parent": name, "requests": requests[:1000]}
    )
    assert len(created.data_objects) == 1000


@pytest.mark.parametrize(
    ("given", "change", "problem"),
    [
        ("17", {}, "DataObject id '17'"),
        ("Upper", {}, "DataObject id 'Upper'"),
        ("x" * 64, {}, "1 to 63 characters"),
        ("a", {"data": {"year": "soon"}}, "data schema"),
        ("a", {"vectors": {"plot": {"dense": {"values": [1]}}}}, "it has 1 dimensions"),
        ("a", {"vectors": {"plot": {"sparse": {"values": [1], "indices": [1]}}}}, "it is sparse"),
        ("a", {"vectors": {"else": {"dense": {"values": [1]}}}}, "not in the vector schema"),
        ("a", {"vectors": {"words": {"sparse": {"values": [1, 2], "indices": [1, 1]}}}}, "unique"),
        ("a", {"vectors": {"words": {"sparse": {"values": [1, 2], "indices": [1]}}}}, "2 values and 1"),
    ],
)
def test_a_data_object_that_does_not_fit_is_refused(over_grpc, given, change, problem):
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        over_grpc.objects.create_data_object(
            parent=over_grpc.create(), data_object_id=given, data_object={**movie("heat"), **change}
        )


def test_an_import_takes_both_forms_and_counts_what_is_not_valid(clients, collections):
    bucket = clients.bucket()
    lines = (
        '{"id": "a", "data": {"year": 1}, "vectors": {"embedding": [1, 0]}}\n'
        '{"id": "b", "embedding": [0, 1], "restricts": [{"namespace": "color", "allow": ["red"]}]}\n'
        '{"id": "c", "embedding": [0, 1, 2]}\n'
        '{"embedding": [0, 1]}\n'
        '{"something": 1}\n'
        "{broken\n"
    )
    bucket.blob("objects/part-0.json").upload_from_string(lines)
    name = collections.create(
        vector_schema={"embedding": {"dense_vector": {"dimensions": 2}}}, data_schema={}
    )
    source = {
        "contents_uri": f"gs://{bucket.name}/objects/",
        "error_uri": f"gs://{bucket.name}/errors/",
    }
    operation = collections.service.import_data_objects(request={"name": name, "gcs_import": source})
    operation.result(timeout=60, polling=SOON)
    metadata = operation.metadata
    assert (metadata.success_count, metadata.failure_count) == (2, 4)
    (errors,) = bucket.list_blobs(prefix="errors/")
    told = [json.loads(line) for line in errors.download_as_text().splitlines()]
    assert [each["code"] for each in told] == ["INVALID_ARGUMENT"] * 4
    assert "it has 3 dimensions" in told[0]["message"]
    assert collections.queried(name, {"restricts.color": {"$all": ["red"]}}) == {"b"}


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(fresh):
    sandbox = fresh()
    first = connected(sandbox.environment, "grpc")
    name = first.movies()
    sandbox.kill()
    again = connected(fresh().environment, "grpc")
    assert again.queried(name, {}) == set(MOVIES)
    assert again.found(name, vector_search=nearest([1, 0])) == ["alien", "gravity", "heat"]


def test_faults_and_the_write_log_know_the_calls(clients, over_grpc):
    name = over_grpc.movies()
    faults.add(clients.state, "BatchDeleteDataObjects", "unavailable", "after", 1)
    requests = [{"name": f"{name}/dataObjects/heat"}]
    started = time.time()
    with pytest.raises(exceptions.ServiceUnavailable):
        over_grpc.objects.batch_delete_data_objects(
            request={"parent": name, "requests": requests}, retry=None
        )
    assert over_grpc.queried(name, {}) == {"alien", "gravity"}
    written = [each.method for each in write_log.read(clients.state) if each.time >= started]
    assert written == ["BatchDeleteDataObjects"]


def test_nobody_gets_in_without_a_token(clients):
    stranger = connected({**clients.environment, "VERTEX_ACCESS_TOKEN": "stolen"}, "grpc")
    with pytest.raises(exceptions.Unauthenticated):
        list(stranger.service.list_collections(parent=stranger.parent))


def nearest(vector):
    return {"vector": {"values": vector}, "search_field": "plot"}
