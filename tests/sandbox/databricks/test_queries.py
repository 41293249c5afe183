"""Queries: the service's score, filters, thresholds, pages; and the other client's verbs, paths and casing."""

from __future__ import annotations

import json
import math

import pytest
from databricks.sdk.errors import InvalidParameterValue

from tests.sandbox.databricks.conftest import film

FILMS = [
    film(1, "Drama", 1990),
    film(2, "Crime", 1995),
    film(3, "Drama", 2000),
    film(4, "Science fiction", 2005),
    {"id": 5, "vector": [5.0, 0.0]},
]


@pytest.fixture(scope="module")
def films(_workspace):
    return _workspace.index(FILMS)


def test_the_nearest_rows_come_first_with_the_score_last_in_each_row(workspace, films):
    answer = workspace.indexes.query_index(films, ["genre", "id"], query_vector=[0.0, 0.0], num_results=2)
    assert [column.name for column in answer.manifest.columns] == ["genre", "id", "score"]
    assert answer.result.row_count == 2
    assert answer.result.data_array == [["Drama", 1, 1 / 2], ["Crime", 2, 1 / 5]]
    assert [row[0] for row in workspace.found(films, score_threshold=0.1)] == [1, 2, 3]


FILTERS = [
    ({"genre": "Drama"}, [1, 3]),
    ({"genre": ["Drama", "Crime"]}, [1, 2, 3]),
    ({"genre NOT": "Drama"}, [2, 4]),
    ({"genre NOT": ["Drama", "Crime"]}, [4]),
    ({"year <": 1995}, [1]),
    ({"year <=": 1995}, [1, 2]),
    ({"year >": 1995}, [3, 4]),
    ({"year >=": 1995, "genre": "Drama"}, [3]),
    ({"genre LIKE": "FICTION"}, [4]),
    ({"genre LIKE": "fict"}, []),
    ({"genre OR year": ["Crime", 2005]}, [2, 4]),
    ({}, [1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("condition", "ids"), FILTERS, ids=[json.dumps(each) for each, _ in FILTERS])
def test_filters_take_the_documented_operators(workspace, films, condition, ids):
    assert [row[0] for row in workspace.found(films, filters_json=json.dumps(condition))] == ids


def test_a_query_by_words_finds_rows_that_have_them_and_a_hybrid_one_fuses_both_rankings(workspace, films):
    text = {"query_text": "SCIENCE drama", "query_vector": None}
    found = workspace.found(films, query_type="FULL_TEXT", **text)
    assert [row[0] for row in found] == [4, 1, 3], "the rarer word weighs more"
    assert found[1][1] == found[2][1]
    limited = workspace.found(films, query_type="full_text", filters_json='{"year >": 1995}', **text)
    assert [row[0] for row in limited] == [4, 3]
    absent = {"query_type": "FULL_TEXT", "query_vector": None, "query_text": "absent"}
    assert not workspace.found(films, query_columns=["genre"], **absent)

    fused = workspace.found(films, query_type="HYBRID", query_text="drama", query_vector=[0.0, 0.0])
    assert [row[0] for row in fused] == [1, 3, 2, 4, 5]
    assert fused[0][1] == 1.0, "first in both"
    assert fused[1][1] == pytest.approx((61 / 62 + 61 / 63) / 2)
    assert fused[2][1] == pytest.approx(61 / 62 / 2)


UNFIT = {
    "a kind of query that there is not": {"query_type": "KNN"},
    "a hybrid query without a vector": {"query_type": "HYBRID", "query_text": "x", "query_vector": None},
    "a hybrid query without a text": {"query_type": "HYBRID"},
    "too many results of a hybrid query": {"query_type": "HYBRID", "query_text": "x", "num_results": 201},
    "words in a column of numbers": {"query_type": "FULL_TEXT", "query_text": "x", "query_columns": ["year"]},
    "a filter that is not JSON": {"filters_json": "genre = 'Drama'"},
    "a filter on no column": {"filters_json": '{"plot": "x"}'},
    "a list to compare with": {"filters_json": '{"year <": [1]}'},
    "a text to compare a number with": {"filters_json": '{"year <": "x"}'},
    "an OR with too few values": {"filters_json": '{"genre OR year": ["x"]}'},
    "a vector of another length": {"query_vector": [1.0]},
    "no vector": {"query_vector": None},
    "no column": {"columns": ["plot"]},
    "too many results": {"num_results": 10_001},
}


@pytest.mark.parametrize("query", UNFIT.values(), ids=UNFIT)
def test_a_query_that_does_not_fit_is_refused(workspace, films, query):
    with pytest.raises(InvalidParameterValue):
        workspace.found(films, **query)


def test_more_than_a_thousand_rows_come_in_pages(workspace):
    name = workspace.index([film(number) for number in range(2500)])
    answer = workspace.indexes.query_index(name, ["id"], query_vector=[0.0, 0.0], num_results=2300)
    pages = [answer.result.data_array]
    while answer.next_page_token:
        answer = workspace.indexes.query_next_page(name, page_token=answer.next_page_token)
        pages.append(answer.result.data_array)
    assert [len(page) for page in pages] == [1000, 1000, 300]
    for token in ("x", "eJyrBQAAfAB9"):
        with pytest.raises(InvalidParameterValue, match="page token"):
            workspace.indexes.query_next_page(name, page_token=token)
    assert [row[0] for page in pages for row in page] == list(range(2300))


def test_the_search_clients_requests_are_answered_too(workspace):
    """Written from its source as data (databricks-ai-search 0.81): its licence binds the client to the service."""
    name, rest = workspace.index(FILMS), workspace.rest
    endpoint = workspace.indexes.get_index(name).endpoint_name
    path = f"/api/2.0/vector-search/endpoints/{endpoint}/indexes"
    body = {
        "columns": ["id"],
        "query_vector": [0, 0],
        "num_results": 1,
        "debug_level": 0,
        "filter_string": None,
    }
    found = rest.request("GET", f"{path}/{name}/query", json=body | {"filters_json": None}).json()
    assert found["result"]["data_array"] == [[1, 0.5]]
    scan = {"num_results": 1, "endpoint_name": endpoint}
    assert rest.request("GET", f"{path}/{name}/scan", json=scan).json()["last_primary_key"] == "1"
    assert [each["name"] for each in rest.get(path).json()["vector_indexes"]] == [name]
    body = {"inputs_json": json.dumps([film(6)])}
    assert rest.post(f"{path}/{name}/upsert-data", json=body).json()["status"] == "SUCCESS"
    gone = rest.request("DELETE", f"{path}/{name}/delete-data", json={"primary_keys": [6]}).json()
    assert gone["result"]["success_row_count"] == 1
    spec = {"embedding_vector_columns": [{"name": "vector", "embedding_dimension": 2}]}
    spec["schema_json"] = json.dumps({"id": "string", "vector": "array<float>"})
    body = {"name": f"{name}_2", "primary_key": "id", "index_type": "DIRECT_ACCESS"}
    assert rest.post(path, json=body | {"direct_access_index_spec": spec}).json()["endpoint_name"] == endpoint
    assert rest.delete(f"{path}/{name}_2").status_code == 200


def test_an_index_answers_at_its_own_address_in_camel_case(workspace, films):
    url = workspace.indexes.get_index(films).status.index_url
    found = workspace.rest.post(f"{url}/query", json={"columns": ["id"], "query_vector": [0, 0]}).json()
    assert found["manifest"]["columnCount"] == 2
    assert math.isclose(found["result"]["dataArray"][0][1], 0.5)
