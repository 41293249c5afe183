"""Delete by query: only what matches, counted, and a request without a query deletes nothing."""

import pytest
from elasticsearch import BadRequestError


def test_delete_by_query_deletes_what_matches_and_counts_it(shared, fresh_index):
    client = shared.client
    index = fresh_index({"n": {"type": "long"}}, documents=[{"n": number} for number in range(10)])
    done = client.delete_by_query(index=index, query={"range": {"n": {"lt": 4}}}, scroll_size=3, refresh=True)
    assert (done["total"], done["deleted"], done["batches"], done["failures"]) == (4, 4, 2, [])
    assert "updated" not in done
    assert client.count(index=index)["count"] == 6
    limited = client.delete_by_query(index=index, query={"match_all": {}}, max_docs=1, refresh=True)
    assert limited["deleted"] == 1
    by_text = client.delete_by_query(index=index, q="n:>=8", refresh=True)
    assert by_text["deleted"] == 2
    assert client.count(index=index)["count"] == 3


def test_delete_by_query_without_a_query_or_with_a_wrong_one_deletes_nothing(shared, fresh_index):
    index = fresh_index({"n": {"type": "long"}}, documents=[{"n": 1}])
    with pytest.raises(BadRequestError, match="query is missing"):
        shared.client.perform_request(
            "POST",
            f"/{index}/_delete_by_query",
            headers={"accept": "application/json", "content-type": "application/json"},
            body={},
        )
    with pytest.raises(BadRequestError, match="unknown query"):
        shared.client.delete_by_query(index=index, query={"mach_all": {}})
    shared.client.indices.refresh(index=index)
    assert shared.client.count(index=index)["count"] == 1


def test_a_document_that_changed_meanwhile_is_a_conflict(shared, fresh_index):
    index = fresh_index({"n": {"type": "long"}}, documents=[{"n": 1}, {"n": 1}])
    shared.client.index(index=index, id="1", document={"n": 2})
    done = shared.client.delete_by_query(index=index, query={"term": {"n": 1}}, conflicts="proceed")
    assert (done["deleted"], done["version_conflicts"]) == (1, 1)
