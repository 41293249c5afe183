"""What a hit shows beside its source: single values, highlights, and one hit of each value."""

import re

import pytest
from elasticsearch import BadRequestError

PROPERTIES = {
    "plot": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "genre": {"type": "keyword", "store": True},
    "year": {"type": "integer"},
    "seen": {"type": "date"},
    "crew": {"properties": {"name": {"type": "text"}}},
}
LONG = (
    "A quick fox runs. The dog sleeps all day long, and nothing in the world wakes it before the quick fox comes back "
    "in the evening and barks as loudly as it can. Nobody else is there."
)
FILMS = [
    {
        "plot": "the quick fox",
        "genre": "war",
        "year": "1999",
        "seen": "2024-01-31",
        "crew": [{"name": "Ann"}, {"name": "Bo"}],
    },
    {"plot": LONG, "genre": ["drama", "art"], "year": 2001},
    {"plot": "fox and dog", "genre": "war", "year": 2005},
]


@pytest.fixture(scope="module")
def films(shared):
    shared.client.indices.create(index="shown", mappings={"properties": PROPERTIES})
    for number, film in enumerate(FILMS, start=1):
        shared.client.index(index="shown", id=str(number), document=film)
    shared.client.indices.refresh(index="shown")
    yield shared.client
    shared.client.indices.delete(index="shown")


def found(client, **search):
    return client.search(index="shown", **search)["hits"]["hits"]


def highlighted(client, query, **settings):
    hits = found(client, query=query, sort=["year"], highlight={"fields": {"plot": settings}})
    return {hit["_id"]: hit["highlight"]["plot"] for hit in hits if "highlight" in hit}


def test_fields_are_read_as_their_types_and_source_can_be_left_out(films):
    (hit,) = found(
        films, query={"ids": {"values": ["1"]}}, source=False, fields=["y*", "seen", "crew.name", "plot.raw"]
    )
    assert "_source" not in hit
    assert hit["fields"] == {
        "year": [1999],
        "seen": ["2024-01-31T00:00:00.000Z"],
        "crew.name": ["Ann", "Bo"],
        "plot.raw": ["the quick fox"],
    }
    (hit,) = found(
        films, query={"ids": {"values": ["1"]}}, fields=[{"field": "seen", "format": "dd.MM.yyyy"}]
    )
    assert hit["fields"] == {"seen": ["31.01.2024"]}
    assert hit["_source"]["year"] == "1999"


def test_doc_values_are_sorted_and_stored_fields_replace_the_source(films):
    (hit,) = found(films, query={"ids": {"values": ["2"]}}, docvalue_fields=["genre", "year"])
    assert hit["fields"] == {"genre": ["art", "drama"], "year": [2001]}
    (hit,) = found(films, query={"ids": {"values": ["2"]}}, stored_fields=["genre", "year"])
    assert hit["fields"] == {"genre": ["drama", "art"]}
    assert "_source" not in hit
    (hit,) = found(films, query={"ids": {"values": ["2"]}}, stored_fields=["*"], source=True)
    assert hit["_source"], "asked for by name, as elasticdump does"
    (hit,) = found(films, query={"ids": {"values": ["2"]}}, stored_fields="_none_")
    assert "_id" not in hit
    with pytest.raises(BadRequestError, match="Fielddata is disabled"):
        found(films, docvalue_fields=["plot"])


def test_the_words_of_the_query_are_marked_in_sentences(films):
    assert highlighted(films, {"match": {"plot": "quick dog"}}, fragment_size=60) == {
        "1": ["the <em>quick</em> fox"],
        "2": [
            "A <em>quick</em> fox runs.",
            "The <em>dog</em> sleeps all day long, and nothing in the world wakes it",
            "<em>quick</em> fox comes back in the evening and barks as loudly as it",
        ],
        "3": ["fox and <em>dog</em>"],
    }
    whole = highlighted(
        films, {"match": {"plot": "dog"}}, number_of_fragments=0, pre_tags=["<b>"], post_tags=["</b>"]
    )
    assert whole["2"] == [LONG.replace("dog", "<b>dog</b>")]


def test_phrases_are_marked_whole_and_what_must_not_match_is_not_marked(films):
    assert highlighted(films, {"match_phrase": {"plot": "quick fox"}})["1"] == ["the <em>quick fox</em>"]
    both = {"bool": {"must": {"match": {"plot": "fox"}}, "must_not": {"match": {"plot": "quick"}}}}
    assert highlighted(films, both) == {"3": ["<em>fox</em> and dog"]}
    assert highlighted(films, {"term": {"genre": "war"}}, no_match_size=5)["3"] == ["fox and"]
    other = {"highlight_query": {"match": {"plot": "and"}}}
    assert highlighted(films, {"term": {"year": 2005}}, **other) == {"3": ["fox <em>and</em> dog"]}


def test_collapse_shows_the_best_hit_of_each_value_and_counts_all(films):
    answer = films.search(
        index="shown",
        query={"match": {"plot": "fox"}},
        sort=[{"year": "desc"}],
        collapse={"field": "genre"},
        size=5,
    )
    assert [(hit["_id"], hit["fields"]["genre"]) for hit in answer["hits"]["hits"]] == [
        ("3", ["war"]),
        ("2", ["art"]),
    ]
    assert answer["hits"]["total"]["value"] == 3


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ({"highlight": {"fields": {"plot": {"type": "fvh"}}}}, r"\[type: fvh\]"),
        ({"highlight": {"fields": {"plot": {"tags_schema": "styled"}}}}, "tags_schema"),
        (
            {"highlight": {"fields": {"plot": {"type": "semantic"}}}},
            r"not supported by the \[semantic\] highlighter",
        ),
        ({"collapse": {"field": "genre", "inner_hits": {"name": "all"}}}, "inner_hits"),
        ({"fields": [{"field": "seen", "format": "QQQ"}]}, "QQQ"),
        ({"fields": [{"name": "seen"}]}, "fields"),
    ],
)
def test_what_is_not_imitated_of_hits_is_refused_by_name(films, search, text):
    with pytest.raises(BadRequestError) as caught:
        films.search(index="shown", body=search)
    assert re.search(text, caught.value.body["error"]["root_cause"][0]["reason"])


@pytest.mark.parametrize(
    ("highlight", "problem"),
    [
        ({"pre_tags": ["<b>"], "fields": {"plot": {}}}, "pre_tags are set but post_tags are not set"),
        (
            {"pre_tags": [], "post_tags": [], "fields": {"plot": {}}},
            "pre_tags or post_tags must not be empty",
        ),
        ("plot", r"Unknown key for a VALUE_STRING in \[highlight\]"),
    ],
)
def test_tags_of_highlights_come_in_pairs(films, highlight, problem):
    with pytest.raises(BadRequestError, match=problem) as refused:
        films.search(index="shown", query={"match_all": {}}, highlight=highlight)
    assert refused.value.body["error"]["type"] == "parsing_exception"
