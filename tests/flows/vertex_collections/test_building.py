"""Building a collection, building it again, and building it with other data: what is there decides what is done."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
COLUMNS = ("--data-columns", "genre", "year", "plot")


@pytest.mark.core
def test_a_build_makes_one_of_each_and_a_second_one_changes_nothing(service, build, name):
    first = build(service, *COLUMNS)
    assert "Done: created the collection, loaded 300 data objects and created the index." in first.err
    stored = service.data_objects(name)
    assert stored.keys() == {f"id-{row}" for row in range(300)}
    assert dict(stored["id-4"].data) == {"genre": "Crime", "year": 1904, "plot": "a thief and a detective 4"}
    labels = service.collection(name).labels
    assert (labels["managed_by"], labels["name"]) == ("vector-search-ops", name)
    assert labels["content"]
    assert "coming" not in labels
    assert [each.index_field for each in service.indexes_of(name)] == ["embedding"]
    assert "recall@10 1.000" in first.err

    writes = service.writes
    second = build(service, *COLUMNS)
    assert "Nothing to do: everything is already there." in second.err
    assert service.writes == writes


def test_an_import_brings_the_same_data_objects_as_batches(service, build, name):
    build(service, *COLUMNS, name=f"{name}-batches")
    told = build(service, *COLUMNS, "--load", "import").err
    assert "imported 300 data objects" in told
    batches, imported = service.data_objects(f"{name}-batches"), service.data_objects(name)
    assert {id_: (each.data, each.vectors) for id_, each in imported.items()} == {
        id_: (each.data, each.vectors) for id_, each in batches.items()
    }
    assert service.files_of(name) == {}, "they are not needed any more"
    writes = service.writes
    assert "Nothing to do" in build(service, *COLUMNS, "--load", "batches").err
    assert service.writes == writes


@pytest.mark.parametrize("load", ["batches", "import"])
def test_other_data_replace_every_data_object_once_somebody_agrees(load, service, build, name, other_data):
    build(service)
    before = service.data_objects(name)
    writes = service.writes
    error = build(service, "--load", load, data=other_data, code=2).error
    assert "Not confirmed: replace all data objects of the collection." in error
    assert "250 data objects in place of 300" in error
    assert service.writes == writes

    told = build(service, "--load", load, "--yes", data=other_data).err
    assert "removed 50 others" in told
    assert "recall@10 1.000" in told
    after = service.data_objects(name)
    assert after.keys() == {f"id-{row}" for row in range(250)}
    assert all(after[id_].vectors != before[id_].vectors for id_ in after)
    writes = service.writes
    assert "Nothing to do" in build(service, data=other_data).err
    assert service.writes == writes


def test_what_cannot_be_changed_in_place_is_named_with_both_values(service, build):
    build(service, *COLUMNS)
    writes = service.writes
    error = build(service, *COLUMNS, "--distance-metric", "COSINE_DISTANCE", code=1).error
    assert "distance_metric='DOT_PRODUCT', but 'COSINE_DISTANCE' was requested" in error
    error = build(service, "--data-columns", "genre", code=1).error
    assert "data_columns={" in error
    error = build(service, *COLUMNS, "--filter-fields", "year", code=1).error
    assert "filter_fields=[], but ['year'] was requested" in error
    assert service.writes == writes


def test_replicas_are_changed_in_place(service, build, name):
    build(service)
    before = len(service.writes)
    told = build(service, "--max-replicas", 4).err
    assert "Done: changed the replicas." in told
    (index,) = service.indexes_of(name)
    spec = index.dedicated_infrastructure.autoscaling_spec
    assert (spec.min_replica_count, spec.max_replica_count) == (2, 4)
    assert service.changes_since(before) == ["UpdateIndex"]
    assert "Nothing to do" in build(service).err


def test_a_collection_of_somebody_else_is_left_alone(service, build, command, name):
    service.collections.collections.create_collection(
        parent=service.settings.parent, collection_id=name, collection={"display_name": name}
    ).result(timeout=60)
    writes = service.writes
    for told in (build(service, code=1).error, command(service, "teardown", "--yes", code=1).error):
        assert "was not created by this project" in told
    assert service.writes == writes


def test_without_an_index_every_search_is_exact_by_the_metric_that_was_chosen(
    service, build, command, found, name
):
    told = build(service, "--index", "none", "--distance-metric", "COSINE_DISTANCE").err
    assert "recall@10 1.000 (20 queries; " in told
    assert "ms), without an index" in told
    assert service.indexes_of(name) == []
    command(service, "query", "--data-object-id", 7, "--top-k", 1)
    report = found()
    assert [each["id"] for each in report["found"]] == ["7"]
    assert report["score"] == "cosine distance"


def test_records_of_datapoints_are_refused_in_words_of_collections(service, build, tmp_path):
    file = tmp_path / "datapoints.jsonl"
    file.write_text('{"id": "a", "embedding": [1, 2]}\n')
    error = build(service, data=file, code=2).error
    assert "A collection is not built from records of Vector Search 1.0" in error
    assert "--restrict" not in error
