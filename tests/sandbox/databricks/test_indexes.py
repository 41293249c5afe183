"""Endpoints and Direct Vector Access indexes through the official SDK: states over time, rows, refusals."""

from __future__ import annotations

import pytest
from databricks.sdk import errors
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    InvalidState,
    NotFound,
    ResourceAlreadyExists,
)
from databricks.sdk.service.vectorsearch import CustomTag, EndpointStatusState, EndpointType

from sandbox import process
from sandbox.databricks.options import DatabricksOptions
from tests.polling import until
from tests.sandbox.databricks.conftest import SCHEMA, Workspace, film


def test_an_endpoint_is_provisioned_online_listed_tagged_and_deleted(workspace):
    name = workspace.name("endpoint")
    made = workspace.endpoints.create_endpoint(name, EndpointType.STANDARD).response
    assert made.endpoint_status.state == EndpointStatusState.PROVISIONING
    assert workspace.endpoints.wait_get_endpoint_vector_search_endpoint_online(name).num_indexes == 0
    tags = [CustomTag("team", "films")]
    writes = len(workspace.writes)
    assert workspace.endpoints.update_endpoint_custom_tags(name, tags).custom_tags == tags
    workspace.endpoints.update_endpoint_custom_tags(name, tags)
    assert len(workspace.writes) == writes + 1, "the same tags again change nothing"
    assert {each.name: each.custom_tags for each in workspace.endpoints.list_endpoints()}[name] == tags
    with pytest.raises(ResourceAlreadyExists):
        workspace.endpoints.create_endpoint(name, EndpointType.STANDARD)
    workspace.endpoints.delete_endpoint(name)
    until(lambda: workspace.is_gone(workspace.endpoints.get_endpoint, name), "the deletion")


def test_an_index_needs_an_endpoint_that_is_online(workspace):
    workspace.fault("vector_search_endpoints.create_endpoint", "stall", "end")
    name = workspace.name("endpoint")
    workspace.endpoints.create_endpoint(name, EndpointType.STANDARD)
    with pytest.raises(InvalidState, match="PROVISIONING"):
        workspace.begin_index(name)
    with pytest.raises(NotFound):
        workspace.begin_index("absent")


def test_an_index_is_provisioned_then_ready_then_deleted_and_its_endpoint_after_it(workspace):
    endpoint = workspace.endpoint()
    made = workspace.begin_index(endpoint)
    assert not made.status.ready
    path = f"/api/2.0/vector-search/indexes/{made.name}"
    assert made.status.index_url.endswith(f"/data-plane/indexes/{made.name}")
    until(lambda: workspace.indexes.get_index(made.name).status.ready, "the index")
    assert workspace.rest.get(path).json()["status"]["detailed_state"] == "ONLINE_DIRECT_ACCESS"
    assert [each.name for each in workspace.indexes.list_indexes(endpoint)] == [made.name]
    with pytest.raises(ResourceAlreadyExists):
        workspace.begin_index(endpoint, made.name)
    with pytest.raises(InvalidState, match="1 indexes"):
        workspace.endpoints.delete_endpoint(endpoint)
    workspace.indexes.delete_index(made.name)
    until(lambda: workspace.is_gone(workspace.indexes.get_index, made.name), "the deletion")
    workspace.endpoints.delete_endpoint(endpoint)


@pytest.mark.parametrize(
    ("fault", "state"),
    [("vector_search_endpoints.create_endpoint", "OFFLINE"), ("vector_search_indexes.create_index", "OFFLINE_FAILED")],
)  # fmt: skip
def test_a_fault_at_the_end_of_a_creation_leaves_it_offline(workspace, fault, state):
    endpoint = workspace.endpoint()
    workspace.fault(fault, "internal", "end")
    if "endpoint" in fault:
        name = workspace.name("endpoint")
        workspace.endpoints.create_endpoint(name, EndpointType.STANDARD)
        until(
            lambda: workspace.endpoints.get_endpoint(name).endpoint_status.state.value == state, "the failure"
        )
    else:
        path = f"/api/2.0/vector-search/indexes/{workspace.begin_index(endpoint).name}"
        until(lambda: workspace.rest.get(path).json()["status"]["detailed_state"] == state, "the failure")


def test_rows_are_replaced_as_a_whole_scanned_in_the_order_of_their_keys_and_deleted(workspace):
    name = workspace.index([film(number) for number in (10, 9, 100)])
    workspace.upsert(name, [{"id": 9, "vector": [1.0, 2.0]}])
    until(lambda: workspace.found(name, columns=("genre",), filters_json='{"id": 9}')[0][0] is None, "it")
    scanned, last = [], None
    while (page := workspace.indexes.scan_index(name, num_results=2, last_primary_key=last)).data:
        scanned += [
            {
                field.key: field.value and (field.value.number_value or field.value.string_value)
                for field in row.fields
            }
            for row in page.data
        ]
        last = page.last_primary_key
    assert [row["id"] for row in scanned] == [9, 10, 100]
    assert scanned[1]["genre"] == "Drama"
    gone = workspace.indexes.delete_data_vector_index(name, ["9", "100", "absent"])
    assert (gone.status.value, gone.result.success_row_count) == ("SUCCESS", 3)
    workspace.shows(name, 1)


def test_a_row_that_does_not_fit_fails_alone_with_status_200(workspace):
    name = workspace.index()
    rows = [film(1), film(2) | {"vector": [1.0]}, film(3) | {"year": "x"}, film(4) | {"genre": "x" * 102_400}]
    done = workspace.upsert(name, rows)
    assert done.status.value == "PARTIAL_SUCCESS"
    assert done.result.failed_primary_keys == ["2", "3", "4"]
    assert workspace.upsert(name, rows[1:]).status.value == "FAILURE"
    workspace.shows(name, 1)
    workspace.fault("vector_search_indexes.upsert_data_vector_index", "aborted", "end")
    assert workspace.upsert(name, [film(5), film(6)]).result.failed_primary_keys == ["6"]


WRONG_ROWS = {
    "no list": "{}",
    "no JSON": "[",
    "no key": '[{"vector": [1, 2]}]',
    "an unknown column": '[{"id": 1, "vector": [1, 2], "plot": "x"}]',
    "a key of another type": '[{"id": "a", "vector": [1, 2]}]',
}


@pytest.mark.parametrize("rows", WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_a_request_that_is_no_rows_of_the_index_is_refused_as_a_whole(workspace, rows):
    name = workspace.index()
    writes = workspace.writes
    with pytest.raises(InvalidParameterValue):
        workspace.indexes.upsert_data_vector_index(name, rows)
    assert workspace.writes == writes


SCHEMAS = {
    "without the vector": ({"id": "integer"}, {}),
    "with an unknown type": (SCHEMA | {"plot": "text"}, {}),
    "with a key of floats": (SCHEMA | {"id": "float"}, {}),
    "with a vector of texts": (SCHEMA | {"vector": "string"}, {}),
    "with too many dimensions": (SCHEMA, {"dimension": 4097}),
    "with too many columns": (SCHEMA | {f"c{number}": "string" for number in range(50)}, {}),
    "without a catalog": (SCHEMA, {"name": "films"}),
}


@pytest.mark.parametrize(("schema", "options"), SCHEMAS.values(), ids=SCHEMAS)
def test_an_impossible_index_is_refused(workspace, schema, options):
    endpoint = workspace.endpoint()
    with pytest.raises(BadRequest):
        workspace.begin_index(endpoint, schema=schema, **options)
    with pytest.raises(NotFound, match=r"Schema main\.other"):
        workspace.begin_index(endpoint, "main.other.films")


def test_what_is_not_imitated_is_refused_by_name(workspace):
    name = workspace.index([film(1)])
    for asked in (
        {"query_text": "x"},
        {"columns_to_rerank": ["id"]},
        {"sort_columns": ["id"]},
        {"facets": ["id"]},
    ):
        with pytest.raises(errors.NotImplemented, match=next(iter(asked))):
            workspace.found(name, **asked)
    with pytest.raises(errors.NotImplemented, match="stop_endpoint"):
        workspace.endpoints.stop_endpoint("any")


def test_everything_acknowledged_survives_a_kill_and_the_quota_of_endpoints_holds(tmp_path):
    options = DatabricksOptions(clock_factor=20_000, max_endpoints=1)
    running = process.start(tmp_path, options)
    try:
        name = Workspace(tmp_path, running.environment).index([film(1), film(2)])
        running.kill()
        running = process.start(tmp_path, options)
        after = Workspace(tmp_path, running.environment)
        assert [row[0] for row in after.found(name)] == [1, 2]
        with pytest.raises(BadRequest, match="limit of 1 vector search endpoints"):
            after.endpoint()
    finally:
        running.stop()
