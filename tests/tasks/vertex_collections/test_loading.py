"""Data objects brought into a collection: by imports, whose errors are told, and in batches, whatever is there."""

import pytest
from google.cloud import vectorsearch_v1 as v1
from google.protobuf import field_mask_pb2

from sandbox import faults, write_log
from tasks.calls import ServiceUnwell
from tasks.errors import CannotChangeInPlace
from tasks.vertex.connection.clients import connect as connect_storage
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.storage import files_root
from tasks.vertex_collections.clients import connect
from tasks.vertex_collections.collections import (
    apply_content_mark,
    ensure_collection,
    read_collection,
    wait_for_collection,
)
from tasks.vertex_collections.imports import (
    ImportFailed,
    apply_import,
    error_uri,
    files_of,
    remove_import_errors,
)
from tasks.vertex_collections.loading import DataObject, list_ids, remove_ids, store
from tasks.vertex_collections.searches import read_count
from tasks.vertex_collections.specs import CollectionSpec


@pytest.fixture
def collection(settings, name, deadline):
    spec = CollectionSpec(name=name, dimensions=2, data_fields=(("year", "integer"),))
    made = ensure_collection.fn(settings, spec, content="abc", deadline=deadline)
    assert made.did == "created"
    wait_for_collection.fn(settings, spec, made.there, deadline)
    return spec


def films(count, year=1990):
    return [
        DataObject(f"film-{number}", {"year": year}, {"embedding": {"dense": {"values": [1.0, number]}}})
        for number in range(count)
    ]


def test_an_import_that_leaves_data_objects_out_says_why_in_the_services_words(
    settings, collection, deadline
):
    ensure_bucket.fn(settings)
    bucket = connect_storage(settings).storage.bucket(settings.bucket_name)
    lines = [
        '{"id": "a", "data": {}, "vectors": {"embedding": {"dense": {"values": [1, 0]}}}}',
        '{"id": "b", "data": {}, "vectors": {"embedding": {"dense": {"values": [1, 0, 1]}}}}',
        '{"id": "c", "data": {"year": "soon"}, "vectors": {}}',
    ]
    folder = f"{files_root(settings, files_of(collection.name))}abc"
    bucket.blob(f"{folder}/datapoints-00000.json").upload_from_string("\n".join(lines))
    for _ in range(2):  # the errors of an earlier import are not told again
        with pytest.raises(ImportFailed) as failed:
            apply_import.fn(settings, collection.name, "abc", 3, deadline)
        assert len(failed.value.errors) == 2
    told = str(failed.value)
    assert f"The import into collection {collection.name} took 1 data objects and left out 2." in told
    assert error_uri(settings, collection.name) in told
    assert "it has 3 dimensions, the vector schema says 2" in told
    assert "data does not fit the data schema at $.year" in told
    assert len(remove_import_errors.fn(settings, collection.name)) == 1
    assert read_count.fn(settings, collection.name) == 1


def test_a_batch_creates_what_is_new_and_replaces_what_is_there(settings, collection):
    store(settings, collection.name, set(), films(3))
    assert list_ids(settings, collection.name) == {"film-0", "film-1", "film-2"}
    store(settings, collection.name, list_ids(settings, collection.name), films(5, year=2000))
    assert read_count.fn(settings, collection.name, {"year": {"$eq": 2000}}) == 5


def test_a_batch_whose_reply_was_lost_is_taken_once(sandbox, settings, collection):
    store(settings, collection.name, set(), films(2))
    before = len(write_log.read(sandbox.state))
    assert store(settings, collection.name, set(), films(2, year=2000)).done, (
        "as if nothing were known to be there"
    )
    assert [each.method for each in write_log.read(sandbox.state)][before:] == ["BatchUpdateDataObjects"]
    assert read_count.fn(settings, collection.name, {"year": {"$eq": 2000}}) == 2


def test_more_than_a_thousand_are_removed_and_those_that_are_gone_do_no_harm(settings, collection, deadline):
    store(settings, collection.name, set(), films(1000))
    ids = sorted(list_ids(settings, collection.name))
    remove_ids(settings, collection.name, ids[:1], deadline)
    assert (
        remove_ids(settings, collection.name, [*ids[:900], *(f"absent-{n}" for n in range(300))], deadline)
        == 1200
    )
    assert list_ids(settings, collection.name) == set(ids[900:])


def test_a_creation_whose_reply_was_lost_is_followed(sandbox, settings, name, deadline):
    spec = CollectionSpec(name=name, dimensions=2)
    faults.add(sandbox.state, "CreateCollection", "unavailable", "after", 1)
    with pytest.raises(ServiceUnwell):
        ensure_collection.fn(settings, spec, content="abc", deadline=deadline)
    found = ensure_collection.fn(settings, spec, content="abc", deadline=deadline)
    assert found.did in ("adopted", "nothing")
    assert wait_for_collection.fn(settings, spec, found.there, deadline).coming == "abc"


def test_the_marks_of_a_content_replace_each_other_and_leave_the_labels_of_others(
    settings, collection, deadline
):
    state = read_collection.fn(settings, collection.name)
    assert (state.coming, state.content, state.replaces) == ("abc", "", False)
    service = connect(settings).collections
    labels = {**service.get_collection(name=state.resource).labels, "team": "a"}
    changed = v1.Collection(name=state.resource, labels=labels)
    mask = field_mask_pb2.FieldMask(paths=["labels"])
    service.update_collection(collection=changed, update_mask=mask).result(timeout=60)
    apply_content_mark.fn(settings, collection.name, deadline, content="abc")
    state = read_collection.fn(settings, collection.name)
    assert (state.coming, state.content) == ("", "abc")
    apply_content_mark.fn(settings, collection.name, deadline, coming="def", replaces=True)
    state = read_collection.fn(settings, collection.name)
    assert (state.coming, state.content, state.replaces) == ("def", "", True)
    assert service.get_collection(name=state.resource).labels["team"] == "a"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dimensions": 3}, "dimensions"),
        ({"vector_field": "plot"}, "vector_field"),
        ({"distance_metric": "COSINE_DISTANCE"}, "distance_metric"),
        ({"data_fields": ()}, "data_columns"),
        ({"embedding": {"model_id": "m", "text_template": "{year}"}}, "embedding_model"),
    ],
)
def test_what_was_made_with_another_configuration_is_refused_by_its_field(
    change, field, settings, collection, deadline
):
    other = CollectionSpec.model_validate({**collection.model_dump(), **change})
    with pytest.raises(CannotChangeInPlace) as refused:
        ensure_collection.fn(settings, other, content="abc", deadline=deadline)
    assert refused.value.field == field
