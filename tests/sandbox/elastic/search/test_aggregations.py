"""Aggregations through the official client, on a few films whose numbers can be checked by hand."""

import re

import pytest
from elasticsearch import BadRequestError

PROPERTIES = {
    "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "genre": {"type": "keyword"},
    "year": {"type": "integer"},
    "rating": {"type": "float"},
    "seen": {"type": "date"},
    "good": {"type": "boolean"},
}
FILMS = [
    {
        "title": "one",
        "genre": ["drama"],
        "year": 1990,
        "rating": 1.5,
        "seen": "2024-01-31T23:30:00Z",
        "good": True,
    },
    {
        "title": "two",
        "genre": ["drama", "war"],
        "year": 1995,
        "rating": 2.5,
        "seen": "2024-02-01",
        "good": False,
    },
    {"title": "three", "genre": ["comedy"], "year": 2001, "rating": 4.0, "seen": "2024-04-15", "good": True},
    {"title": "four", "year": 2001},
]


@pytest.fixture(scope="module")
def films(shared):
    shared.client.indices.create(index="aggregated", mappings={"properties": PROPERTIES})
    for number, film in enumerate(FILMS, start=1):
        shared.client.index(index="aggregated", id=str(number), document=film)
    shared.client.indices.refresh(index="aggregated")
    yield shared.client
    shared.client.indices.delete(index="aggregated")


def aggregated(client, definition, **search):
    return client.search(index="aggregated", size=0, aggs={"a": definition}, **search)["aggregations"]["a"]


def counts(found):
    return [(each["key"], each["doc_count"]) for each in found["buckets"]]


def test_terms_are_ordered_by_count_then_key_and_the_rest_is_summed(films):
    found = aggregated(films, {"terms": {"field": "genre", "size": 2}})
    assert counts(found) == [("drama", 2), ("comedy", 1)]
    assert found["sum_other_doc_count"] == 1
    by_metric = {
        "terms": {"field": "genre", "order": {"r": "desc"}},
        "aggs": {"r": {"avg": {"field": "rating"}}},
    }
    assert [(each["key"], each["r"]["value"]) for each in aggregated(films, by_metric)["buckets"]] == [
        ("comedy", 4.0),
        ("war", 2.5),
        ("drama", 2.0),
    ]
    assert counts(
        aggregated(films, {"terms": {"field": "genre", "missing": "none", "exclude": ["war"]}})
    ) == [
        ("drama", 2),
        ("comedy", 1),
        ("none", 1),
    ]
    (good, bad) = aggregated(films, {"terms": {"field": "good"}})["buckets"]
    assert good == {"key": 1, "key_as_string": "true", "doc_count": 2}
    assert bad["key_as_string"] == "false"


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ({"avg": {"field": "year"}}, 1996.75),
        ({"sum": {"field": "rating", "missing": 1}}, 9.0),
        ({"min": {"field": "year"}}, 1990.0),
        ({"value_count": {"field": "genre"}}, 4),
        ({"cardinality": {"field": "year"}}, 3),
        ({"median_absolute_deviation": {"field": "year"}}, 3.0),
        ({"max": {"field": "nowhere"}}, None),
    ],
)
def test_a_metric_is_one_number(films, definition, value):
    assert aggregated(films, definition)["value"] == value


def test_statistics_and_percentiles(films):
    stats = aggregated(films, {"extended_stats": {"field": "rating"}})
    assert (stats["count"], stats["min"], stats["max"], stats["sum"]) == (3, 1.5, 4.0, 8.0)
    assert stats["variance_sampling"] == pytest.approx(1.5833333)
    assert stats["std_deviation_bounds"]["upper"] == pytest.approx(stats["avg"] + 2 * stats["std_deviation"])
    percents = aggregated(films, {"percentiles": {"field": "year", "percents": [0, 50, 100]}})
    assert percents == {"values": {"0.0": 1990.0, "50.0": 1998.0, "100.0": 2001.0}}
    assert aggregated(films, {"max": {"field": "seen"}})["value_as_string"] == "2024-04-15T00:00:00.000Z"


def test_histograms_show_empty_buckets_and_months_begin_in_their_time_zone(films):
    assert counts(aggregated(films, {"histogram": {"field": "year", "interval": 5}})) == [
        (1990.0, 1),
        (1995.0, 1),
        (2000.0, 2),
    ]
    months = {"field": "seen", "calendar_interval": "month", "format": "yyyy-MM"}
    found = aggregated(films, {"date_histogram": months})
    assert [(each["key_as_string"], each["doc_count"]) for each in found["buckets"]] == [
        ("2024-01", 1),
        ("2024-02", 1),
        ("2024-03", 0),
        ("2024-04", 1),
    ]
    found = aggregated(
        films, {"date_histogram": {**months, "time_zone": "Europe/Berlin", "min_doc_count": 1}}
    )
    assert [(each["key_as_string"], each["doc_count"]) for each in found["buckets"]] == [
        ("2024-02", 2),
        ("2024-04", 1),
    ]
    days = aggregated(films, {"date_histogram": {"field": "seen", "fixed_interval": "30d", "keyed": True}})
    assert sum(each["doc_count"] for each in days["buckets"].values()) == 3


def test_ranges_filters_missing_and_global(films):
    ranges = {
        "field": "year",
        "ranges": [{"to": 1995}, {"from": 1995, "to": 2001}, {"from": 2001, "key": "new"}],
    }
    assert counts(aggregated(films, {"range": ranges})) == [("*-1995.0", 1), ("1995.0-2001.0", 1), ("new", 2)]
    dates = {"field": "seen", "ranges": [{"from": "2024-02-15||/M", "to": "2024-02-15||+2M/M"}]}
    assert aggregated(films, {"date_range": dates})["buckets"][0]["doc_count"] == 1
    named = {"filters": {"filters": {"war": {"term": {"genre": "war"}}}, "other_bucket_key": "rest"}}
    assert aggregated(films, named)["buckets"] == {"war": {"doc_count": 1}, "rest": {"doc_count": 3}}
    query = {"term": {"genre": "drama"}}
    assert aggregated(films, {"missing": {"field": "genre"}})["doc_count"] == 1
    assert aggregated(films, {"global": {}}, query=query)["doc_count"] == 4
    below = {"filter": query, "aggs": {"y": {"max": {"field": "year"}}}}
    assert aggregated(films, below) == {"doc_count": 2, "y": {"value": 1995.0}}


def test_composite_pages_reach_every_combination_once(films):
    sources = [
        {"g": {"terms": {"field": "genre", "missing_bucket": True}}},
        {"y": {"terms": {"field": "year"}}},
    ]
    seen, after = [], {}
    while True:
        found = aggregated(films, {"composite": {"sources": sources, "size": 2, **after}})
        if not found["buckets"]:
            break
        seen += [(each["key"]["g"], each["key"]["y"], each["doc_count"]) for each in found["buckets"]]
        after = {"after": found["after_key"]}
    assert seen == [
        (None, 2001, 1),
        ("comedy", 2001, 1),
        ("drama", 1990, 1),
        ("drama", 1995, 1),
        ("war", 1995, 1),
    ]


def test_aggregations_see_what_the_query_matches_but_not_the_post_filter(films):
    found = films.search(
        index="aggregated",
        query={"range": {"year": {"gte": 1995}}},
        post_filter={"term": {"genre": "war"}},
        aggs={
            "top": {
                "terms": {"field": "year"},
                "aggs": {"best": {"top_hits": {"size": 1, "sort": ["title.raw"]}}},
            }
        },
    )
    assert found["hits"]["total"]["value"] == 1
    best = [
        (each["key"], each["best"]["hits"]["hits"][0]["_id"])
        for each in found["aggregations"]["top"]["buckets"]
    ]
    assert best == [(2001, "4"), (1995, "2")]


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"term": {"field": "genre"}}, r"Unknown aggregation type \[term\] did you mean \[terms\]"),
        (
            {"significant_terms": {"field": "genre"}},
            r"does not imitate the aggregation \[significant_terms\]",
        ),
        ({"terms": {"field": "title"}}, "Fielddata is disabled on"),
        (
            {"avg": {"field": "genre"}},
            r"Field \[genre\] of type \[keyword\] is not supported for aggregation \[avg\]",
        ),
        (
            {"avg": {"field": "year", "script": "1"}},
            r"does not support \[script\] of the aggregation \[avg\]",
        ),
        (
            {"avg": {"field": "year"}, "aggs": {"b": {"max": {"field": "year"}}}},
            "cannot accept sub-aggregations",
        ),
        ({"terms": {"field": "genre", "order": {"b": "asc"}}}, "Invalid aggregation order path"),
        ({"histogram": {"field": "year", "interval": 0}}, "must be >0"),
        ({"date_histogram": {"field": "seen", "calendar_interval": "2d"}}, "calendar interval"),
        ({"max": {}}, "Required one of fields"),
        ({}, "Missing definition for aggregation"),
    ],
)
def test_what_cannot_be_aggregated_is_refused(films, definition, text):
    with pytest.raises(BadRequestError) as caught:
        aggregated(films, definition)
    error = caught.value.body["error"]
    assert re.search(text, error["root_cause"][0]["reason"])
