"""Fuzzy terms, changed scores, date math, capabilities of fields, analysis."""

import time

import pytest
from elasticsearch import BadRequestError


def ids(client, index, query):
    return [hit["_id"] for hit in client.search(index=index, query=query)["hits"]["hits"]]


def test_a_fuzzy_term_finds_what_is_a_few_edits_away_and_likes_the_closest(shared, fresh_index):
    texts = ["wizard", "wizzard", "lizard", "blizzards", "wiz"]
    index = fresh_index({"t": {"type": "text"}}, documents=[{"t": text} for text in texts])
    assert ids(shared.client, index, {"match": {"t": {"query": "wizzard", "fuzziness": "AUTO"}}}) == [
        "2",
        "1",
        "3",
    ]
    assert ids(shared.client, index, {"fuzzy": {"t": {"value": "iwzard", "fuzziness": 1}}}) == ["1"]
    assert (
        ids(
            shared.client,
            index,
            {"fuzzy": {"t": {"value": "iwzard", "fuzziness": 1, "transpositions": False}}},
        )
        == []
    )
    assert ids(shared.client, index, {"fuzzy": {"t": {"value": "wizards", "prefix_length": 2}}}) == ["1", "2"]
    several = {"query": "wizzard", "fields": ["t"], "fuzziness": 1, "type": "most_fields"}
    assert ids(shared.client, index, {"multi_match": several}) == ["2", "1"]
    phrase = {"query": "wizard wizard", "fields": ["t"], "type": "phrase"}
    assert ids(shared.client, index, {"multi_match": phrase}) == []
    with pytest.raises(BadRequestError, match=r"query type \[any_fields\]. unknown type"):
        ids(shared.client, index, {"multi_match": {**phrase, "type": "any_fields"}})
    with pytest.raises(BadRequestError, match="Invalid fuzziness value: 3"):
        ids(shared.client, index, {"fuzzy": {"t": {"value": "wizard", "fuzziness": 3}}})


@pytest.mark.parametrize(
    ("body", "scores"),
    [
        ({"functions": [{"filter": {"term": {"kind": "a"}}, "weight": 3}]}, [3, 1, 1]),
        (
            {
                "functions": [{"weight": 2}, {"filter": {"term": {"kind": "a"}}, "weight": 3}],
                "score_mode": "sum",
            },
            [5, 2, 2],
        ),
        (
            {
                "functions": [{"weight": 2}, {"filter": {"term": {"kind": "a"}}, "weight": 4}],
                "score_mode": "max",
            },
            [4, 2, 2],
        ),
        ({"functions": [{"weight": 6}], "max_boost": 4, "boost_mode": "sum"}, [5, 5, 5]),
        (
            {"field_value_factor": {"field": "stars", "factor": 2, "missing": 0.5}, "boost_mode": "replace"},
            [8, 1, 18],
        ),
        ({"field_value_factor": {"field": "stars", "modifier": "sqrt", "missing": 1}}, [2, 1, 3]),
    ],
)
def test_functions_change_scores(shared, fresh_index, body, scores):
    documents = [{"kind": "a", "stars": 4}, {"kind": "b"}, {"kind": "b", "stars": 9}]
    properties = {"kind": {"type": "keyword"}, "stars": {"type": "long"}}
    index = fresh_index(properties, documents=documents)
    hits = shared.client.search(index=index, query={"function_score": body})["hits"]["hits"]
    assert {hit["_id"]: hit["_score"] for hit in hits} == dict(zip("123", scores, strict=True))


def test_what_is_not_imitated_of_function_score_is_refused_by_name(shared, fresh_index):
    index = fresh_index({"stars": {"type": "long"}}, documents=[{}])
    for body, text in (
        ({"random_score": {}}, r"does not support \[random_score\]"),
        ({"functions": [{"gauss": {}}]}, r"does not support \[gauss\]"),
        ({"functions": [{"filter": {"match_all": {}}}]}, "missing a function"),
    ):
        with pytest.raises(BadRequestError, match=text):
            ids(shared.client, index, {"function_score": body})
    with pytest.raises(BadRequestError) as caught:
        ids(shared.client, index, {"function_score": {"field_value_factor": {"field": "stars"}}})
    assert "Missing value for field [stars]" in str(caught.value.body)


def test_boosting_puts_what_matches_negative_below(shared, fresh_index):
    index = fresh_index({"k": {"type": "keyword"}}, documents=[{"k": ["a", "b"]}, {"k": "a"}])
    query = {"positive": {"term": {"k": "a"}}, "negative": {"term": {"k": "b"}}, "negative_boost": 0.5}
    assert ids(shared.client, index, {"boosting": query}) == ["2", "1"]


def test_date_math_in_ranges_rounds_up_or_down(shared, fresh_index):
    today = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    documents = [{"at": today}, {"at": "2024-01-31T12:00:00Z"}, {"at": "2024-02-29T00:00:00Z"}]
    index = fresh_index({"at": {"type": "date"}}, documents=documents)
    assert ids(shared.client, index, {"range": {"at": {"gte": "now-1h", "lte": "now"}}}) == ["1"]
    assert ids(
        shared.client, index, {"range": {"at": {"gte": "2024-01-31||/M", "lte": "2024-01-15||/M"}}}
    ) == ["2"]
    assert ids(shared.client, index, {"range": {"at": {"gte": "2024-01-31||+1M", "lt": "2024-03"}}}) == ["3"]
    assert ids(shared.client, index, {"range": {"at": {"lt": "2024-01-31||/d"}}}) == []
    with pytest.raises(BadRequestError):
        ids(shared.client, index, {"range": {"at": {"gte": "now-1x"}}})
    with pytest.raises(BadRequestError, match="failed to parse date field"):
        shared.client.index(index=index, document={"at": "now"})


def test_field_caps_tell_types_apart_and_bring_parents_along(shared, fresh_index):
    one = fresh_index({"a": {"type": "text"}, "o": {"properties": {"x": {"type": "keyword"}}}})
    other = fresh_index({"a": {"type": "keyword"}})
    found = shared.client.field_caps(index=f"{one},{other}", fields=["a", "o.x"])
    assert found["indices"] == sorted([one, other])
    text = {
        "type": "text",
        "metadata_field": False,
        "searchable": True,
        "aggregatable": False,
        "indices": [one],
    }
    keyword = {**text, "type": "keyword", "aggregatable": True, "indices": [other]}
    assert found["fields"]["a"] == {"text": text, "keyword": keyword}
    assert found["fields"]["o"]["object"]["searchable"] is False
    assert "indices" not in found["fields"]["o.x"]["keyword"]
    assert shared.client.field_caps(index=one, fields="_id")["fields"]["_id"]["_id"]["metadata_field"] is True
    assert list(shared.client.field_caps(index=one, fields="*", filters="-metadata,-parent")["fields"]) == [
        "a",
        "o.x",
    ]
    with pytest.raises(BadRequestError, match="no fields specified"):
        shared.client.perform_request("GET", f"/{one}/_field_caps", headers={"accept": "application/json"})


def test_analysis_shows_terms_with_their_places(shared, fresh_index):
    found = shared.client.indices.analyze(analyzer="standard", text=["Caf\u00e9 2 GO", "it's"])["tokens"]
    assert [
        (each["token"], each["start_offset"], each["end_offset"], each["type"], each["position"])
        for each in found
    ] == [
        ("caf\u00e9", 0, 4, "<ALPHANUM>", 0),
        ("2", 5, 6, "<NUM>", 1),
        ("go", 7, 9, "<ALPHANUM>", 2),
        ("it's", 10, 14, "<ALPHANUM>", 103),
    ]
    index = fresh_index({"w": {"type": "text", "analyzer": "whitespace"}})
    tokens = shared.client.indices.analyze(index=index, field="w", text="A-b C")["tokens"]
    assert [each["token"] for each in tokens] == ["A-b", "C"]
    with pytest.raises(BadRequestError, match="failed to find global analyzer"):
        shared.client.indices.analyze(analyzer="klingon", text="x")
    with pytest.raises(BadRequestError, match=r"does not support \[tokenizer\]"):
        shared.client.indices.analyze(tokenizer="standard", text="x")


def test_every_document_has_its_metadata(shared, fresh_index):
    index = fresh_index({"a": {"type": "keyword"}}, documents=[{"a": "x"}, {}])
    assert shared.client.count(index=index, query={"exists": {"field": "_id"}})["count"] == 2
    assert shared.client.count(index=index, query={"exists": {"field": "_ignored"}})["count"] == 0
