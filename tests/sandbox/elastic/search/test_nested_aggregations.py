"""Aggregations of the objects of nested fields, and sub-aggregations of every kind, on numbers that can be checked by hand."""

import re

import pytest
from elasticsearch import BadRequestError

REPLIES = {"type": "nested", "properties": {"likes": {"type": "integer"}}}
COMMENTS = {"author": {"type": "keyword"}, "stars": {"type": "integer"}, "replies": REPLIES}
PROPERTIES = {
    "tag": {"type": "keyword"},
    "year": {"type": "integer"},
    "comments": {"type": "nested", "properties": COMMENTS},
}


def comment(author, stars, *likes):
    return {"author": author, "stars": stars, "replies": [{"likes": each} for each in likes]}


POSTS = [
    {"tag": "a", "year": 2001, "comments": [comment("Ann", 5, 1, 2), comment("Bob", 1)]},
    {"tag": "a", "year": 2002, "comments": [comment("Ann", 3, 7)]},
    {"tag": "b", "year": 2002, "comments": [comment("Bob", 4, 4), comment("Bob", 2)]},
    {"tag": "b", "year": 2003},
]


@pytest.fixture(scope="module")
def found(here):
    here.indices.create(index="posts", mappings={"properties": PROPERTIES})
    here.indices.create(index="flat", mappings={"properties": {"tag": {"type": "keyword"}}})
    for post in POSTS:
        here.index(index="posts", document=post)
    here.index(index="flat", document={"tag": "a"})
    here.index(index="posts", id="gone", document=POSTS[0])
    here.delete(index="posts", id="gone")
    here.indices.refresh(index="posts,flat")

    def aggregated(definition, **search):
        given = {"index": "posts", "size": 0, **search}
        return here.search(aggs={"x": definition}, **given)["aggregations"]["x"]

    yield aggregated
    here.indices.delete(index="posts,flat")


def inside(path, **aggs):
    return {"nested": {"path": path}, "aggs": aggs}


def counts(buckets):
    return {each["key"]: each["doc_count"] for each in buckets["buckets"]}


def test_objects_are_counted_and_aggregated_and_the_way_back_counts_documents(found):
    authors = {"terms": {"field": "comments.author"}, "aggs": {"posts": {"reverse_nested": {}}}}
    answer = found(inside("comments", authors=authors, best={"max": {"field": "comments.stars"}}))
    assert (answer["doc_count"], answer["best"]["value"]) == (5, 5.0)
    assert counts(answer["authors"]) == {"Ann": 2, "Bob": 3}
    assert [each["posts"]["doc_count"] for each in answer["authors"]["buckets"]] == [2, 2]


def test_below_the_way_back_there_are_fields_of_documents_again(found):
    years = {"reverse_nested": {}, "aggs": {"years": {"histogram": {"field": "year", "interval": 1}}}}
    bob = {"filter": {"term": {"comments.author": "Bob"}}, "aggs": {"posts": years}}
    answer = found(inside("comments", bob=bob))["bob"]
    assert (answer["doc_count"], counts(answer["posts"]["years"])) == (3, {2001.0: 1, 2002.0: 1})


def test_levels_are_reached_one_by_one_or_at_once_and_left_to_any_of_them(found):
    likes = {"sum": {"field": "comments.replies.likes"}}
    assert found(inside("comments.replies", likes=likes)) == {"doc_count": 4, "likes": {"value": 14.0}}
    up = {"reverse_nested": {"path": "comments"}, "aggs": {"stars": {"sum": {"field": "comments.stars"}}}}
    deep = found(
        inside("comments", deeper=inside("comments.replies", comments=up, posts={"reverse_nested": {}}))
    )
    assert deep["deeper"]["comments"] == {"doc_count": 3, "stars": {"value": 12.0}}
    assert deep["deeper"]["posts"]["doc_count"] == 3


def test_only_the_documents_of_the_search_count_and_an_index_without_the_field_has_none(found):
    query = {"term": {"tag": "a"}}
    assert found(inside("comments"), query=query)["doc_count"] == 3
    assert found(inside("comments"), index="posts,flat", query=query)["doc_count"] == 3
    assert found(inside("tag", n={"value_count": {"field": "tag"}})) == {"doc_count": 0, "n": {"value": 0}}
    assert found(inside("comments", x={"reverse_nested": {"path": "tag"}}))["x"]["doc_count"] == 0


BY_STARS = {"comments": inside("comments", stars={"avg": {"field": "comments.stars"}})}


@pytest.mark.parametrize(
    ("order", "below", "keys"),
    [
        ({"comments>stars": "desc"}, BY_STARS, ["a", "b"]),
        ({"comments>stars.value": "asc"}, BY_STARS, ["a", "b"]),
        ({"comments._count": "asc"}, BY_STARS, ["b", "a"]),
        ({"y.avg": "desc"}, {"y": {"stats": {"field": "year"}}}, ["b", "a"]),
        ({"p.50": "desc"}, {"p": {"percentiles": {"field": "year", "percents": [50]}}}, ["b", "a"]),
        (
            [{"new>_count": "desc"}, {"_key": "desc"}],
            {"new": {"filter": {"range": {"year": {"gte": 2002}}}}},
            ["b", "a"],
        ),
    ],
    ids=str,
)
def test_buckets_are_ordered_by_what_is_below_them(found, order, below, keys):
    answer = found({"terms": {"field": "tag", "order": order}, "aggs": below})
    assert [each["key"] for each in answer["buckets"]] == keys


OUTER = [
    {"terms": {"field": "tag"}},
    {"histogram": {"field": "year", "interval": 10}},
    {"filters": {"filters": [{"match_all": {}}]}},
    {"filter": {"match_all": {}}},
    {"global": {}},
    {"range": {"field": "year", "ranges": [{"from": 2000}]}},
    {"date_histogram": {"field": "year", "fixed_interval": "1d"}},
    {"composite": {"sources": [{"t": {"terms": {"field": "tag"}}}]}},
]


@pytest.mark.parametrize("outer", OUTER, ids=lambda each: next(iter(each)))
def test_nested_objects_are_reached_below_every_kind_of_bucket(found, outer):
    answer = found({**outer, "aggs": {"c": inside("comments", s={"sum": {"field": "comments.stars"}})}})
    buckets = answer.get("buckets", [answer])
    assert sum(each["c"]["doc_count"] for each in buckets) == 5
    assert sum(each["c"]["s"]["value"] for each in buckets) == 15


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"nested": {}}, r"Missing \[path\] field for nested aggregation \[x\]"),
        (
            {"reverse_nested": {}},
            r"Reverse nested aggregation \[x\] can only be used inside a \[nested\] aggregation",
        ),
        (inside("comments", x={"top_hits": {}}), r"does not imitate \[top_hits\] of nested objects"),
        (
            inside("comments", x={"reverse_nested": {"path": "comments.replies"}}),
            r"finds no \[nested\] aggregation with path \[comments.replies\]",
        ),
        (
            {"terms": {"field": "tag", "order": {"nothing": "asc"}}},
            r"Invalid aggregation order path \[nothing\]",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_reached_is_refused(found, definition, problem):
    with pytest.raises(BadRequestError) as refused:
        found(definition)
    assert re.search(problem, str(refused.value.body))
