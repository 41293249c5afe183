"""Building an index, building it again, and building it with other data: what is there decides what is done."""

from __future__ import annotations

import json

import pytest
from databricks.sdk.service.vectorsearch import (
    CustomTag,
    DirectAccessVectorIndexSpec,
    EmbeddingVectorColumn,
    EndpointType,
    VectorIndexType,
)

from tests.polling import until

pytestmark = pytest.mark.slow
COLUMNS = ("--data-columns", "genre", "year")


@pytest.mark.core
def test_a_build_makes_one_of_each_and_a_second_one_changes_nothing(service, build, name):
    first = build(service, *COLUMNS)
    assert "Done: created the endpoint, created the index and loaded 300 rows." in first.err
    stored = service.rows(name)
    assert stored.keys() == {str(row) for row in range(300)}
    assert (stored["4"]["genre"], stored["4"]["year"]) == ("Crime", 1904)
    assert len(stored["4"]["embedding"]) == 8
    tags = service.tags(name)
    assert (tags["managed_by"], tags["name"]) == ("vector-search-ops", name)
    assert tags["content"]
    assert "coming" not in tags
    assert service.index(name).name == f"main.default.{name.replace('-', '_')}"
    assert "recall@10 1.000" in first.err

    writes = service.writes
    second = build(service, *COLUMNS)
    assert "Nothing to do: everything is already there." in second.err
    assert service.writes == writes


def test_other_data_replace_every_row_once_somebody_agrees(service, build, name, other_data):
    build(service)
    before, writes = service.rows(name), service.writes
    error = build(service, data=other_data, code=2).error
    assert "Not confirmed: replace all rows of the index." in error
    assert "250 rows in place of 300" in error
    assert service.writes == writes

    told = build(service, "--yes", data=other_data).err
    assert "removed 50 other rows" in told
    assert "recall@10 1.000" in told
    after = service.rows(name)
    assert after.keys() == {str(row) for row in range(250)}
    assert all(after[id_]["embedding"] != before[id_]["embedding"] for id_ in after)
    writes = service.writes
    assert "Nothing to do" in build(service, data=other_data).err
    assert service.writes == writes


def test_what_cannot_be_changed_in_place_is_named_with_both_values(service, build):
    build(service, *COLUMNS)
    writes = service.writes
    error = build(service, "--data-columns", "genre", code=1).error
    assert "data_columns={'genre': 'string', 'year': 'long'}, but {'genre': 'string'} was requested" in error
    error = build(service, *COLUMNS, "--vector-column", "vector", code=1).error
    assert "vector_column='embedding', but 'vector' was requested" in error
    assert service.writes == writes


def test_an_endpoint_or_an_index_of_somebody_else_is_left_alone(service, build, command, name):
    endpoints, indexes = service.clients.endpoints, service.clients.indexes
    endpoints.create_endpoint(name, EndpointType.STANDARD)
    endpoints.update_endpoint_custom_tags(name, [CustomTag("team", "others")])
    until(lambda: service.endpoint(name).endpoint_status.state.value == "ONLINE", "their endpoint")
    other = f"{name}-x"
    spec = DirectAccessVectorIndexSpec(
        embedding_vector_columns=[EmbeddingVectorColumn(embedding_dimension=8, name="embedding")],
        schema_json=json.dumps({"id": "string", "embedding": "array<float>"}),
    )
    indexes.create_index(
        service.full_name(other), name, "id", VectorIndexType.DIRECT_ACCESS, direct_access_index_spec=spec
    )
    writes = service.writes
    for refused in (
        build(service, code=1),
        command(service, "teardown", "--yes", code=1),
        build(service, code=1, name=other),
        command(service, "teardown", "--yes", code=1, name=other),
    ):
        assert "was not created by this project" in refused.error
    assert service.writes == writes


def test_an_index_that_somebody_removed_is_made_and_filled_again(service, build, name):
    build(service)
    service.clients.indexes.delete_index(service.full_name(name))
    until(lambda: service.index(name) is None, "the deletion")
    told = build(service).err
    assert "Done: created the index and loaded 300 rows." in told
    assert len(service.rows(name)) == 300


def test_an_index_whose_creation_failed_is_made_again_by_the_same_command(service, build, name):
    service.fault("vector_search_indexes.create_index", "internal", "end")
    assert "The same command again removes it and makes it again." in build(service, code=1).error
    assert "Done: created the index and loaded 300 rows." in build(service).err
    assert len(service.rows(name)) == 300
    writes = service.writes
    assert "Nothing to do" in build(service).err
    assert service.writes == writes


def test_rows_that_fail_in_a_request_that_succeeds_are_sent_again(service, build, name):
    service.fault("vector_search_indexes.upsert_data_vector_index", "aborted", "end")
    before = len(service.writes)
    told = build(service).err
    assert "150 rows failed" in told
    assert len(service.rows(name)) == 300
    assert service.made_since(before).count("upsert_data_vector_index") == 2


def test_an_endpoint_that_cannot_be_provisioned_is_told_and_removed_by_a_teardown(
    service, build, command, name
):
    service.fault("vector_search_endpoints.create_endpoint", "internal", "end")
    assert f"The endpoint '{name}' ended as OFFLINE" in build(service, code=1).error
    command(service, "teardown", "--yes")
    assert service.endpoint(name) is None


def test_what_no_index_can_be_built_from_is_refused_before_anything_is_created(service, build):
    writes = service.writes
    error = build(service, "--data-columns", "genre", "genre", code=2).error
    assert "A column is named twice: 'genre, genre' (from --data-columns)" in error
    error = build(service, "--vector-column", "genre", *COLUMNS, code=2).error
    assert "This column cannot be a column of the index: 'genre'" in error
    assert service.writes == writes
