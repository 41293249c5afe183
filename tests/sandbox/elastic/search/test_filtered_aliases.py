"""Aliases with a filter: every search by one sees only what it matches, and scores as without it."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError

PROPERTIES = {
    "title": {"type": "text"},
    "language": {"type": "keyword"},
    "vector": {"type": "dense_vector", "dims": 2, "similarity": "cosine"},
}
FILMS = [
    {"title": "red fox", "language": "en", "vector": [1.0, 0.0]},
    {"title": "red fox and red hen", "language": "de", "vector": [1.0, 0.1]},
    {"title": "blue hen", "language": "en", "vector": [0.0, 1.0]},
]
ENGLISH = {"term": {"language": "en"}}


@pytest.fixture
def films(shared, fresh_index):
    index = fresh_index(PROPERTIES, documents=FILMS)
    shared.client.indices.put_alias(index=index, name=f"{index}-en", filter=ENGLISH)
    return index


def ids(found):
    return [hit["_id"] for hit in found["hits"]["hits"]]


def test_a_search_by_the_alias_sees_what_its_filter_matches_with_the_same_scores(shared, films):
    client, alias = shared.client, f"{films}-en"
    whole = {
        hit["_id"]: hit["_score"]
        for hit in client.search(index=films, query={"match": {"title": "red"}})["hits"]["hits"]
    }
    (hit,) = client.search(index=alias, query={"match": {"title": "red"}})["hits"]["hits"]
    assert (hit["_id"], hit["_score"]) == ("1", whole["1"])
    assert ids(client.search(index=alias)) == ["1", "3"]
    assert client.count(index=alias)["count"] == 2
    assert client.indices.get_alias(name=alias)[films]["aliases"][alias] == {"filter": ENGLISH}
    both = client.search(index=f"{alias},{films}")
    assert both["hits"]["total"]["value"] == 3, "the index itself is named"


def test_vectors_and_retrievers_are_narrowed_too(shared, films):
    client, alias = shared.client, f"{films}-en"
    near = {"field": "vector", "query_vector": [1.0, 0.1], "k": 2, "num_candidates": 10}
    assert ids(client.search(index=alias, knn=near)) == ["1", "3"]
    words = {"standard": {"query": {"match": {"title": "red"}}}}
    fused = {"rrf": {"retrievers": [words, {"knn": near}]}}
    assert ids(client.search(index=alias, retriever=fused)) == ["1", "3"]


def test_what_is_copied_or_deleted_by_the_alias_is_what_it_shows(shared, films):
    client, alias, copy = shared.client, f"{films}-en", f"{films}-copy"
    assert client.reindex(source={"index": alias}, dest={"index": copy}, refresh=True)["created"] == 2
    assert client.delete_by_query(index=alias, query={"match_all": {}}, refresh=True)["deleted"] == 2
    assert ids(client.search(index=films)) == ["2"]
    client.indices.delete(index=copy)


def test_what_is_not_imitated_is_refused_by_name(shared, films, fresh_index):
    client, alias = shared.client, f"{films}-en"
    other = fresh_index(PROPERTIES)
    client.indices.put_alias(index=other, name=alias, filter={"term": {"language": "fr"}})
    with pytest.raises(BadRequestError, match="different filters of their aliases"):
        client.search(index=alias)
    client.indices.delete_alias(index=other, name=alias)
    with pytest.raises(BadRequestError, match=r"filtered alias in \[open_point_in_time\]"):
        client.open_point_in_time(index=alias, keep_alive="1m")
    with pytest.raises(BadRequestError, match=r"failed to parse filter for alias"):
        client.indices.put_alias(index=films, name="odd", filter="x")
