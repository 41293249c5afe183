"""What people type: `q=`, query_string and simple_query_string, by the documents that they find."""

import pytest
from elasticsearch import BadRequestError

INDEX = "typed"
PROPERTIES = {
    "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "plot": {"type": "text"},
    "genre": {"type": "keyword"},
    "year": {"type": "long"},
    "seen": {"type": "date"},
    "tokens": {"type": "sparse_vector"},
}
FILMS = {
    "1": {
        "title": "The quick fox",
        "plot": "A dog barks",
        "genre": "drama",
        "year": 1999,
        "seen": "2020-01-01",
    },
    "2": {
        "title": "Brown dog",
        "plot": "The fox sleeps",
        "genre": "sci-fi",
        "year": 2001,
        "tokens": {"fox": 2.0},
    },
    "3": {
        "title": "Quick brown fox",
        "plot": "A lazy dog",
        "genre": "drama",
        "year": 2010,
        "seen": "2021-06-01",
    },
    "4": {"title": "A bridge", "plot": "Two engineers (repair) it", "genre": "a:b", "year": 2020},
}


@pytest.fixture(scope="module")
def films(shared):
    """The client, with four films in an index."""
    shared.client.indices.create(index=INDEX, mappings={"properties": PROPERTIES})
    for id_, film in FILMS.items():
        shared.client.index(index=INDEX, id=id_, document=film)
    shared.client.indices.refresh(index=INDEX)
    yield shared.client
    shared.client.indices.delete(index=INDEX)


def found(client, **given):
    return "".join(sorted(hit["_id"] for hit in client.search(index=INDEX, **given)["hits"]["hits"]))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("bridge", "4"),
        ("fox", "123"),
        ("2001", "2"),
        ("title:fox", "13"),
        ("title:quick brown", "123"),
        ("title:(quick AND brown)", "3"),
        ("title:quick AND title:brown", "3"),
        ("title:quick && plot:lazy", "3"),
        ("title:quick OR title:bridge", "134"),
        ("title:quick || title:bridge", "134"),
        ("fox NOT lazy", "12"),
        ("fox -lazy", "12"),
        ("fox !lazy", "12"),
        ("NOT fox", "4"),
        ("+fox +lazy", "3"),
        ("+fox lazy", "123"),
        ("title:dog OR title:bridge AND plot:engineers", "4"),
        ("(title:dog OR title:bridge) AND plot:fox", "2"),
        ("fox AND (NOT lazy)", "12"),
        ('title:"quick fox"', "1"),
        ('"brown fox"', "3"),
        ("title.raw:(The quick fox)", "1"),
        ('title.raw:"Brown dog"', "2"),
        ("year:2001", "2"),
        ("year:[2001 TO 2010]", "23"),
        ("year:{2001 TO 2010]", "3"),
        ("year:[2001 TO 2010}", "2"),
        ("year:[2010 TO *]", "34"),
        ("year:>2001", "34"),
        ("year:>=2001", "234"),
        ("year:(>=2001 AND <2020)", "23"),
        ("seen:[2020 TO 2020-12-31]", "1"),
        ('seen:["2021-01-01" TO *]', "3"),
        ("genre:sci-fi", "2"),
        (r"genre:a\:b", "4"),
        ('genre:"a:b"', "4"),
        (r"plot:\(repair\)", "4"),
        ("_exists_:seen", "13"),
        ("seen:*", "13"),
        ("*:*", "1234"),
        ("*", "1234"),
        ("title:qui*", "13"),
        ("title:QUI?K", "13"),
        ("genre:*-fi", "2"),
        ("br*", "234"),
        ("t*le:bridge", "4"),
        ("_id:3", "3"),
        ("tokens:fox", "2"),
        ("nothing:here", ""),
        ("fox - lazy", "123"),
        ("ANDROID", ""),
        ("year:soon", ""),
        ("year:[soon TO *]", ""),
        ("year:20*", ""),
    ],
)
def test_a_typed_query_finds_what_lucenes_syntax_says(films, text, ids):
    assert found(films, q=text) == ids
    assert found(films, query={"query_string": {"query": text}}) == ids
    assert films.count(index=INDEX, q=text)["count"] == len(ids)


def test_options_of_a_typed_query_are_honoured(films):
    assert found(films, q="quick brown", default_operator="AND", df="title") == "3"
    assert found(films, q="fox", df="plot") == "2"
    assert found(films, q="quick fox", df="title.raw", analyzer="keyword") == ""
    assert found(films, q="year:soon", lenient=True) == ""

    def asked(text, **options):
        return found(films, query={"query_string": {"query": text, **options}})

    assert asked("fox", fields=["title^2", "genre"]) == "13"
    assert asked("brown dog fox", fields=["title"], minimum_should_match=2) == "23"
    assert asked("(title:dog) (title:fox) (plot:dog)", minimum_should_match=2) == "13"
    assert asked("a:b", escape=True, fields=["genre"]) == "4"
    hits = films.search(index=INDEX, q="year:2001^3")["hits"]["hits"]
    assert [hit["_score"] for hit in hits] == [3.0]
    both = films.search(index=INDEX, query={"query_string": {"query": "fox", "fields": ["title", "plot"]}})
    one = films.search(index=INDEX, query={"match": {"title": "fox"}})
    scores = {hit["_id"]: hit["_score"] for hit in both["hits"]["hits"]}
    assert {hit["_id"]: hit["_score"] for hit in one["hits"]["hits"]}.items() <= scores.items()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title:(quick", "Encountered"),
        ("title:", "Encountered"),
        ("AND fox AND", "Encountered"),
        ('"quick', "Lexical error"),
        ("a/b", "Lexical error"),
        ("quikc~1", "fuzzy terms"),
        ('"quick fox"~3', "fuzzy terms and slops"),
        ("/qu.*/", "regular expressions"),
        ("year:soon", "For input string"),
        ("year:[soon TO *]", "For input string"),
        ("seen:[soon TO *]", "failed to parse date field"),
        ("year:20*", "Can only use wildcard queries"),
    ],
)
def test_what_cannot_be_read_or_is_not_imitated_is_refused(films, text, problem):
    for call in (films.search, films.count, films.update_by_query):
        with pytest.raises(BadRequestError) as failed:
            call(index=INDEX, q=text, lenient=False)
        assert problem in str(failed.value.body)


@pytest.mark.parametrize(
    "options",
    [{"type": "cross_fields"}, {"time_zone": "+01:00"}, {"phrase_slop": 2}, {"analyze_wildcard": True}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_are_not_imitated_are_refused(films, options):
    with pytest.raises(BadRequestError, match=r"\[query_string\] query does not support"):
        found(films, query={"query_string": {"query": "fox", **options}})


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("fox", "123"),
        ("fox +lazy", "3"),
        ("lazy | bridge", "34"),
        ('"brown fox" | bridge', "34"),
        ("fox + -lazy", "12"),
        ("bri*", "4"),
        ("(bridge | fox) + barks", "1"),
        ("bridge | fox + barks", "1"),
        ("title:fox", ""),
        ('fox + "unclosed', ""),
        (")( |", ""),
    ],
)
def test_a_simple_query_is_never_refused_for_its_form(films, text, ids):
    fields = ["title", "plot"]
    assert found(films, query={"simple_query_string": {"query": text, "fields": fields}}) == ids


def test_update_by_query_changes_only_what_q_finds(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}, {"n": 2}, {"n": 3}])
    shared.client.ingest.put_pipeline(id="seen", processors=[{"set": {"field": "seen", "value": True}}])
    done = shared.client.update_by_query(index=index, q="n:>=2", pipeline="seen", refresh=True)
    assert done["updated"] == 2
    assert shared.client.count(index=index, q="seen:true")["count"] == 2
    assert "seen" not in shared.client.get(index=index, id="1")["_source"]


def test_q_beside_a_body_wins_in_a_search_and_is_refused_in_a_count(films):
    body = {"match_none": {}}
    assert found(films, q="bridge", query=body) == "4"
    with pytest.raises(BadRequestError, match=r"contains unrecognized parameter: \[q\]"):
        films.count(index=INDEX, q="bridge", query=body)


def test_a_term_of_weighted_tokens_scores_their_weight(films):
    hits = films.search(index=INDEX, query={"term": {"tokens": {"value": "fox", "boost": 1.5}}})["hits"][
        "hits"
    ]
    assert [(hit["_id"], hit["_score"]) for hit in hits] == [("2", 3.0)]


def test_a_multi_match_takes_patterns_and_without_fields_all_of_them(films):
    assert found(films, query={"multi_match": {"query": "fox", "fields": ["t*"]}}) == "13"
    assert found(films, query={"multi_match": {"query": "2001"}}) == "2"


@pytest.mark.parametrize("kind", ["keyword", "long"])
def test_a_field_that_is_not_indexed_is_searched_by_its_doc_values(shared, fresh_index, kind):
    index = fresh_index({"a": {"type": kind, "index": False}}, documents=[{"a": 1}, {"a": 2}])
    assert shared.client.count(index=index, query={"term": {"a": 2}})["count"] == 1
    for parameters, more in (({"doc_values": False}, " nor has doc values"), ({"type": "text"}, "")):
        deaf = fresh_index({"a": {"type": kind, "index": False, **parameters}})
        with pytest.raises(
            BadRequestError, match=rf"Cannot search on field \[a\] since it is not indexed{more}\."
        ):
            shared.client.search(index=deaf, query={"term": {"a": 2}})


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            {"query_vector": {"a": 1}, "inference_id": "x"},
            "requires one of [query_vector] or [inference_id] for sparse",
        ),
        ({"query": "fox"}, "inference_id required to perform vector search on query string"),
        ({"query_vector": {"a": 1}, "nonsense": 1}, "[sparse_vector] unknown field [nonsense]"),
    ],
)
def test_a_sparse_query_that_says_too_much_or_too_little_is_refused_in_the_services_words(
    films, query, problem
):
    with pytest.raises(BadRequestError) as failed:
        films.search(index=INDEX, query={"sparse_vector": {"field": "tokens", **query}})
    assert problem in failed.value.body["error"]["root_cause"][0]["reason"]
    with pytest.raises(BadRequestError) as failed:
        films.search(index=INDEX, query={"sparse_vector": {"field": "genre", "query_vector": {"a": 1}}})
    reason = "failed to create query: field [genre] must be type [sparse_vector] but is type [keyword]"
    assert failed.value.body["error"]["root_cause"][0]["reason"] == reason


def test_a_sparse_query_of_semantic_text_needs_no_endpoint(shared, fresh_index):
    index = fresh_index({"plot": {"type": "semantic_text"}})
    asked = {"sparse_vector": {"field": "plot", "query": "fox"}}
    assert shared.client.count(index=index, query=asked)["count"] == 0
    assert shared.client.search(index=index, query=asked)["hits"]["hits"] == []
