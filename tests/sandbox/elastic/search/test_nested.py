"""Nested fields: each object is found by itself, and inner hits show which."""

import pytest
from elasticsearch import BadRequestError

PASSAGES = {
    "title": {"type": "text"},
    "passages": {
        "type": "nested",
        "properties": {
            "text": {"type": "text"},
            "page": {"type": "integer"},
            "lang": {"type": "keyword"},
            "tokens": {"type": "sparse_vector"},
        },
    },
}
BOOKS = (
    {
        "title": "one",
        "passages": [
            {"text": "a red fox", "page": 1, "lang": "en", "tokens": {"fox": 1.0}},
            {"text": "a blue bird", "page": 2, "lang": "de", "tokens": {"bird": 2.0}},
            {
                "text": "a red bird and a red fox",
                "page": 3,
                "lang": "en",
                "tokens": {"bird": 1.0, "fox": 3.0},
            },
        ],
    },
    {"title": "two", "passages": {"text": "a blue fox", "page": 9, "lang": "de", "tokens": {"fox": 2.0}}},
    {"title": "three"},
)


@pytest.fixture
def books(fresh_index):
    return fresh_index(PASSAGES, documents=BOOKS)


@pytest.fixture
def found(shared, books):
    """Searches the passages: `found(query, inner_hits={})` gives the hits."""

    def search(query, **more):
        nested = {"path": "passages", "query": query, **more}
        return shared.client.search(index=books, query={"nested": nested})["hits"]["hits"]

    return search


def both(color, lang):
    return {"bool": {"must": [{"match": {"passages.text": color}}, {"term": {"passages.lang": lang}}]}}


def test_all_conditions_hold_for_one_object(found):
    assert [hit["_id"] for hit in found(both("red", "en"))] == ["1"]
    assert {hit["_id"] for hit in found(both("blue", "de"))} == {"1", "2"}
    assert found(both("red", "de")) == []


def test_objects_are_hidden_from_every_other_search(shared, books):
    count = shared.client.count
    assert count(index=books)["count"] == 3
    for query in (
        {"match": {"passages.text": "fox"}},
        {"exists": {"field": "passages"}},
        {"term": {"passages.page": 1}},
    ):
        assert count(index=books, query=query)["count"] == 0
    assert shared.client.get(index=books, id="1")["_source"] == BOOKS[0]


def weights(token):
    return {"sparse_vector": {"field": "passages.tokens", "query_vector": {token: 1.0}}}


@pytest.mark.parametrize(
    ("mode", "score"), [("max", 3.0), ("min", 1.0), ("sum", 4.0), ("avg", 2.0), ("none", 0.0)]
)
def test_scores_of_objects_are_joined(found, mode, score):
    by_id = {hit["_id"]: hit["_score"] for hit in found(weights("fox"), score_mode=mode)}
    assert by_id == {"1": score, "2": 0.0 if mode == "none" else 2.0}
    assert {hit["_id"]: hit["_score"] for hit in found(weights("fox"))}["1"] == 2.0, (
        "avg, unless said otherwise"
    )


def test_inner_hits_show_the_best_objects_first(found):
    hits = found(weights("fox"), score_mode="max", inner_hits={})
    inner = hits[0]["inner_hits"]["passages"]["hits"]
    assert (inner["total"], inner["max_score"]) == ({"value": 2, "relation": "eq"}, 3.0)
    assert [(one["_nested"], one["_score"], one["_source"]["page"]) for one in inner["hits"]] == [
        ({"field": "passages", "offset": 2}, 3.0, 3),
        ({"field": "passages", "offset": 0}, 1.0, 1),
    ]
    (named,) = found(weights("bird"), inner_hits={"name": "best", "size": 1, "_source": False})
    (one,) = named["inner_hits"]["best"]["hits"]["hits"]
    assert one["_nested"]["offset"] == 1
    assert "_source" not in one


def test_inner_hits_show_the_fields_that_are_asked_for_by_their_whole_paths(found):
    def inner(source):
        hits = found(weights("fox"), score_mode="max", inner_hits={"size": 1, "_source": source})
        return hits[0]["inner_hits"]["passages"]["hits"]["hits"][0]

    one = inner(["passages.page"])
    assert (one["_source"], one["_nested"]["offset"]) == ({"page": 3}, 2)
    assert set(inner({"excludes": ["passages.page"]})["_source"]) == set(BOOKS[0]["passages"][2]) - {"page"}
    assert inner(["title"])["_source"] == {}


def test_a_changed_document_has_its_new_objects_only(shared, books, found):
    shared.client.index(
        index=books, id="1", document={"title": "one", "passages": [{"text": "green"}]}, refresh=True
    )
    assert found({"match": {"passages.text": "green"}})[0]["_id"] == "1"
    assert [hit["_id"] for hit in found({"match": {"passages.text": "fox"}})] == ["2"]
    shared.client.delete(index=books, id="2", refresh=True)
    assert found({"match": {"passages.text": "fox"}}) == []


def test_new_fields_of_objects_are_mapped_and_a_mapping_stays_nested(shared, books):
    shared.client.index(
        index=books, id="4", document={"passages": [{"text": "x", "note": "new"}]}, refresh=True
    )
    mapping = shared.client.indices.get_mapping(index=books)[books]["mappings"]["properties"]["passages"]
    assert mapping["type"] == "nested"
    assert mapping["properties"]["note"]["type"] == "text"
    shared.client.indices.put_mapping(
        index=books, properties={"passages": {"type": "nested", "properties": {"more": {"type": "keyword"}}}}
    )
    with pytest.raises(BadRequestError, match="non-nested"):
        shared.client.indices.put_mapping(index=books, properties={"title": {"type": "nested"}})
    caps = shared.client.field_caps(index=books, fields="passages*")["fields"]
    assert list(caps["passages"]) == ["nested"]


def test_a_nested_field_within_another_is_searched_level_by_level(shared, fresh_index):
    inner = {"type": "nested", "properties": {"word": {"type": "keyword"}}}
    index = fresh_index(
        {"a": {"type": "nested", "properties": {"b": inner}}},
        documents=[{"a": [{"b": [{"word": "x"}, {"word": "y"}]}, {"b": {"word": "z"}}]}],
    )

    def count(query):
        return shared.client.count(index=index, query=query)["count"]

    def within(query):
        return {"nested": {"path": "a", "query": {"nested": {"path": "a.b", "query": query}}}}

    assert count(within({"term": {"a.b.word": "y"}})) == 1
    assert count(within({"term": {"a.b.word": "q"}})) == 0
    with pytest.raises(BadRequestError, match=r"path \[a\.b\] without \[a\]"):
        count({"nested": {"path": "a.b", "query": {"match_all": {}}}})


@pytest.mark.parametrize(
    ("nested", "problem"),
    [
        ({"query": {"match_all": {}}}, "requires 'path' field"),
        ({"path": "passages"}, "requires 'query' field"),
        (
            {"path": "nowhere", "query": {"match_all": {}}},
            r"failed to find nested object under path \[nowhere\]",
        ),
        ({"path": "title", "query": {"match_all": {}}}, r"path \[title\] is not of nested type"),
        ({"path": "passages", "query": {"match_all": {}}, "score_mode": "most"}, r"child query \[most\]"),
        ({"path": "passages", "query": {"match_all": {}}, "inner_hits": {"highlight": {}}}, r"\[highlight\]"),
        ({"path": "passages", "query": {"match_phrase": {"passages.text": "red fox"}}}, "match_phrase"),
        ({"path": "passages", "query": {"match_all": {}}, "depth": 1}, r"does not support \[depth\]"),
    ],
)
def test_what_a_nested_query_cannot_be_is_refused(shared, books, nested, problem):
    with pytest.raises(BadRequestError, match=problem):
        shared.client.search(index=books, query={"nested": nested})


def test_an_unmapped_path_may_be_ignored(shared, books):
    query = {"nested": {"path": "nowhere", "query": {"match_all": {}}, "ignore_unmapped": True}}
    assert shared.client.count(index=books, query=query)["count"] == 0


def test_semantic_text_and_copies_of_objects_are_refused_by_name(fresh_index):
    for inner, problem in (
        ({"properties": {"s": {"type": "semantic_text"}}}, "cannot be nested"),
        ({"include_in_parent": True}, "include_in_parent"),
    ):
        with pytest.raises(BadRequestError, match=problem):
            fresh_index({"p": {"type": "nested", **inner}})
