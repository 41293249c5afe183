"""Searches over the official client: hits, scores and order."""

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError, helpers

FILMS = [
    {"plot": "The quick brown fox", "tag": "x", "year": 1995, "made": "1995-09-22", "seen": True},
    {"plot": "quick quick fox", "tag": ["y", "z"], "year": 2006, "made": "2006-10-06T20:15:00Z"},
    {"plot": "a lazy dog and a fox", "tag": "x", "year": 1974, "made": "1974"},
    {"title": "nothing else"},
]
PROPERTIES = {
    "plot": {"type": "text"},
    "tag": {"type": "keyword"},
    "year": {"type": "integer"},
    "made": {"type": "date"},
    "seen": {"type": "boolean"},
}


@pytest.fixture
def films(fresh_index):
    return fresh_index(PROPERTIES, documents=FILMS)


@pytest.mark.parametrize("size", ["x", "", 1.5, [1], True], ids=str)
def test_a_size_that_is_not_a_number_is_refused(shared, films, size):
    with pytest.raises(BadRequestError, match="Failed to parse int parameter"):
        shared.client.search(index=films, body={"size": size})
    assert len(shared.client.search(index=films, body={"size": "2"})["hits"]["hits"]) == 2


def test_exists_does_not_support_rank_features(shared, fresh_index):
    index = fresh_index({"features": {"type": "rank_features"}}, documents=[{"features": {"a": 1.0}}])
    with pytest.raises(BadRequestError, match="rank_features"):
        shared.client.search(index=index, query={"exists": {"field": "features"}})


def test_a_count_accepts_only_a_query(shared, films):
    with pytest.raises(BadRequestError, match="request does not support"):
        shared.client.perform_request(
            "POST", f"/{films}/_count", headers={"content-type": "application/json"}, body={"size": 1}
        )


def hits(shared, index, query, **options):
    found = shared.client.search(index=index, query=query, **options)["hits"]["hits"]
    return {hit["_id"]: hit["_score"] for hit in found}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"match": {"plot": "QUICK dog"}}, "321"),
        ({"match": {"plot": {"query": "quick fox", "operator": "and"}}}, "21"),
        ({"match": {"plot": {"query": "quick brown dog", "minimum_should_match": 2}}}, "1"),
        ({"match_phrase": {"plot": "quick fox"}}, "2"),
        ({"match_phrase": {"plot": "brown fox"}}, "1"),
        ({"match_phrase": {"plot": "fox brown"}}, ""),
        ({"term": {"plot": "Quick"}}, ""),
        ({"term": {"tag": "x"}}, "13"),
        ({"term": {"year": 2006}}, "2"),
        ({"term": {"seen": True}}, "1"),
        ({"term": {"made": "1974-01-01"}}, "3"),
        ({"terms": {"tag": ["x", "z"]}}, "123"),
        ({"range": {"year": {"gt": 1974, "lte": 1995}}}, "1"),
        ({"range": {"made": {"gte": "1990", "lte": "2006-10-06"}}}, "12"),
        ({"range": {"made": {"gte": "1990", "lt": "2006-10-06"}}}, "1"),
        ({"range": {"tag": {"gte": "y"}}}, "2"),
        ({"exists": {"field": "tag"}}, "123"),
        ({"exists": {"field": "nothing"}}, ""),
        ({"ids": {"values": ["4", "2", "9"]}}, "24"),
        ({"prefix": {"plot": "qui"}}, "12"),
        ({"wildcard": {"plot": "?r*n"}}, "1"),
        ({"match_all": {}}, "1234"),
        ({"match_none": {}}, ""),
        ({"match": {"unmapped": "x"}}, ""),
        ({"bool": {"must": {"match": {"plot": "fox"}}, "must_not": [{"term": {"tag": "y"}}]}}, "13"),
        (
            {
                "bool": {
                    "should": [{"term": {"tag": "x"}}, {"term": {"year": 2006}}],
                    "minimum_should_match": 1,
                }
            },
            "123",
        ),
        ({"bool": {"filter": {"term": {"tag": "x"}}, "should": {"term": {"year": 1974}}}}, "31"),
        ({"bool": {"must_not": {"exists": {"field": "tag"}}}}, "4"),
        ({"bool": {}}, "1234"),
        ({"constant_score": {"filter": {"term": {"tag": "x"}}}}, "13"),
        ({"multi_match": {"query": "lazy nothing", "fields": ["plot", "title"]}}, "34"),
    ],
    ids=lambda value: (
        None if isinstance(value, str) else "".join(each for each in str(value) if each.isalnum())
    ),
)
def test_a_query_finds_its_documents_best_first(shared, films, query, found):
    result = hits(shared, films, query)
    scores = list(result.values())
    assert scores == sorted(scores, reverse=True)
    assert sorted(result) == sorted(found)
    if len(set(scores)) == len(scores):
        assert "".join(result) == found


def test_scores_are_bm25_for_terms_and_constant_otherwise(shared, fresh_index):
    index = fresh_index(documents=[{"plot": "hello", "year": 1}])
    assert hits(shared, index, {"match": {"plot": "hello"}}) == {"1": 0.2876821}
    assert hits(shared, index, {"term": {"plot.keyword": "hello"}}) == {"1": 0.2876821}
    assert hits(shared, index, {"term": {"year": {"value": 1, "boost": 2.5}}}) == {"1": 2.5}
    assert hits(shared, index, {"bool": {"filter": {"term": {"year": 1}}}}) == {"1": 0.0}


@pytest.mark.parametrize(
    ("weights", "boost", "score"),
    [
        ({"a": 2.0, "b": 1.0, "c": 0.5}, 1, 5.25),
        ({"a": 2.0, "b": 1.0}, 100, 500.0),
        ({"d": 0.84076905}, 1, 0.97870773),
    ],
    ids=["three tokens", "boosted", "a cut weight"],
)
def test_sparse_scores_match_the_specifications_worked_examples(shared, fresh_index, weights, boost, score):
    stored = {"a": 2, "b": 1, "c": 0.5, "d": 1.1652642}
    index = fresh_index({"v": {"type": "sparse_vector"}}, documents=[{"v": stored}, {"v": {"z": 1.0}}])
    query = {"sparse_vector": {"field": "v", "query_vector": weights, "boost": boost, "prune": False}}
    assert hits(shared, index, query) == {"1": score}


def test_pruning_drops_tokens_that_are_frequent_and_light(shared, fresh_index):
    rare = [{f"r{number}-{each}": 1.0 for each in range(20)} for number in range(9)]
    index = fresh_index(
        {"v": {"type": "sparse_vector"}}, documents=[{"v": {"often": 1.0, **each}} for each in rare]
    )

    def score(**options):
        query = {"field": "v", "query_vector": {"often": 0.3, "r0-0": 1.0, "absent": 9.0}, **options}
        return hits(shared, index, {"sparse_vector": query})["1"]

    light = {"tokens_weight_threshold": 0.01}
    assert score(prune=False) == pytest.approx(1.3, rel=1e-6)
    assert score() == 1.0
    assert score(pruning_config=light) == pytest.approx(1.3, rel=1e-6)
    assert score(prune=True, pruning_config={"only_score_pruned_tokens": True}) == pytest.approx(
        0.3, rel=1e-6
    )


def test_an_empty_vector_exists_and_an_empty_list_does_not(shared, fresh_index):
    index = fresh_index({"v": {"type": "sparse_vector"}}, documents=[{"v": {}}, {"v": []}, {"v": None}])
    assert hits(shared, index, {"exists": {"field": "v"}}) == {"1": 1.0}


def test_several_vectors_in_one_field_keep_the_largest_weight_of_each_token(shared, fresh_index):
    documents = [{"v": [{"a": 1.0, "b": 3.0}, {"a": 2.0}]}]
    index = fresh_index({"v": {"type": "sparse_vector"}}, documents=documents)
    query = {"sparse_vector": {"field": "v", "query_vector": {"a": 1.0, "b": 1.0}, "prune": False}}
    assert hits(shared, index, query) == {"1": 5.0}


def test_hits_are_sorted_by_fields_with_missing_values_last(shared, films):
    def order(sort, **options):
        found = shared.client.search(index=films, sort=sort, source=False, **options)["hits"]
        assert found["max_score"] is None
        return [(hit["_id"], *hit["sort"]) for hit in found["hits"]]

    assert order([{"year": "desc"}]) == [("2", 2006), ("1", 1995), ("3", 1974), ("4", None)]
    assert order(["tag", "_doc"])[:3] == [("1", "x", 0), ("3", "x", 2), ("2", "y", 1)]
    assert order([{"year": {"order": "asc", "missing": "_first"}}])[0] == ("4", None)
    assert order([{"year": "asc"}], search_after=[1974], size=1) == [("1", 1995)]
    assert order([{"tag": "desc"}, {"year": "asc"}], search_after=["x", 1974]) == [
        ("1", "x", 1995),
        ("4", None, None),
    ]


def test_equal_scores_are_returned_in_the_order_of_writing(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}, {"n": 2}, {"n": 3}])
    shared.client.index(index=index, id="1", document={"n": 1}, refresh=True)
    assert list(hits(shared, index, {"match_all": {}})) == ["2", "3", "1"]


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        ({"query": {"nonsense": {}}}, r"unknown query"),
        ({"query": {"mach": {}}}, r"unknown query \[mach\] did you mean \[match\]\?"),
        ({"sort": ["plot"]}, "Fielddata is disabled"),
        ({"sort": ["absent"]}, "No mapping found"),
        ({"size": 9_000, "from_": 2_000}, "Result window is too large"),
        ({"from_": -1}, "negative"),
        ({"sort": ["year"], "search_after": [1, 2]}, "search_after has 2"),
        ({"query": {"term": {"year": "abc"}}}, "abc"),
        ({"query": {"sparse_vector": {"field": "tag", "query_vector": {"a": 1}}}}, "must be type"),
        ({"rescore": {"query": {}}}, r"do not support \[rescore\]"),
        ({"query": {"match": {"plot": {"operator": "and"}}}}, "No text specified for text query"),
        ({"query": {"match_phrase": {"plot": {"boost": 2}}}}, "No text specified for text query"),
        ({"query": {"multi_match": {"fields": ["plot"]}}}, "No text specified for multi_match query"),
        ({"query": {"multi_match": {"query": "fox", "fields": ["plot^x"]}}}, "failed to parse"),
        ({"query": {"multi_match": {"query": "fox", "slop": 1, "type": "phrase"}}}, "slop"),
        ({"query": {"match": {"plot": {"query": "fox", "analyzer": "nobody"}}}}, "nobody"),
        ({"query": {"term": {"tag": {"boost": 2}}}}, "value cannot be null"),
        ({"query": {"prefix": {"tag": {}}}}, "value cannot be null"),
        ({"query": {"wildcard": {"tag": {"boost": 1}}}}, "value cannot be null"),
        ({"query": {"terms": {"tag": {}}}}, r"\[terms\] requires"),
        ({"query": {"ids": {"values": 5}}}, "values"),
        ({"query": {"exists": {"field": ["tag"]}}}, "field"),
        ({"query": {"match_all": {"boost": "x"}}}, r"failed to parse \[boost\]"),
        ({"query": {"term": {"tag": {"value": "x", "boost": -1}}}}, "negative"),
        ({"query": {"sparse_vector": {"field": "v", "query_vector": {"a": "b"}}}}, r"failed to parse \[a\]"),
        ({"query": {"sparse_vector": {"field": "v", "query_vector": 1}}}, "query_vector"),
        ({"query": {"weighted_tokens": {"v": {"tokens": "a"}}}}, "tokens"),
        (
            {"query": {"weighted_tokens": {"v": {"tokens": {"a": 1}, "pruning_config": {"depth": 1}}}}},
            "depth",
        ),
        (
            {
                "query": {
                    "weighted_tokens": {
                        "v": {"tokens": {"a": 1}, "pruning_config": {"tokens_weight_threshold": 2}}
                    }
                }
            },
            "must be between",
        ),
        ({"sort": ["year"], "search_after": 1}, "search_after"),
        ({"sort": ["year"], "search_after": ["x"]}, r"failed to parse \[year\]"),
        ({"min_score": "x"}, "min_score"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_invalid_search_is_a_bad_request(shared, films, search, problem):
    with pytest.raises(BadRequestError, match=problem):
        shared.client.search(index=films, **search)


def test_a_failure_reported_by_a_shard_is_wrapped(shared, films):
    with pytest.raises(ApiError) as failed:
        shared.client.search(index=films, sort=["plot"])
    error = failed.value.body["error"]
    assert error["type"] == "search_phase_execution_exception"
    assert error["root_cause"][0]["type"] == "illegal_argument_exception"
    assert error["failed_shards"][0]["index"] == films


def test_hits_are_counted_up_to_ten_thousand_by_default(shared, fresh_index):
    index = fresh_index()
    documents = [{"_index": index, "_source": {"n": number % 7}} for number in range(10_050)]
    helpers.bulk(shared.client, documents, chunk_size=5_000, refresh=True)

    def total(**options):
        return shared.client.search(index=index, size=0, **options)["hits"].get("total")

    assert total() == {"value": 10_000, "relation": "gte"}
    assert total(track_total_hits=True) == {"value": 10_050, "relation": "eq"}
    assert total(track_total_hits=20) == {"value": 20, "relation": "gte"}
    assert total(track_total_hits=False) is None
    assert total(query={"term": {"n": 3}}) == {"value": 1_436, "relation": "eq"}
    assert shared.client.count(index=index)["count"] == 10_050


def test_a_scroll_and_a_point_in_time_keep_showing_their_snapshot(shared, fresh_index):
    index = fresh_index(documents=[{"n": number} for number in range(5)])
    client = shared.client
    scroll = client.search(index=index, scroll="1m", size=2, sort=["_doc"])
    point = client.open_point_in_time(index=index, keep_alive="1m")["id"]
    client.index(index=index, id="1", document={"n": 100})
    client.delete(index=index, id="2", refresh=True)
    client.indices.refresh(index=index)
    seen = [hit["_source"]["n"] for hit in scroll["hits"]["hits"]]
    while page := client.scroll(scroll_id=scroll["_scroll_id"], scroll="1m")["hits"]["hits"]:
        seen += [hit["_source"]["n"] for hit in page]
    assert seen == [0, 1, 2, 3, 4]
    held = client.search(pit={"id": point, "keep_alive": "1m"}, sort=["_shard_doc"])["hits"]["hits"]
    assert [hit["_source"]["n"] for hit in held] == [0, 1, 2, 3, 4]
    assert client.close_point_in_time(id=point)["succeeded"]
    assert client.clear_scroll(scroll_id=scroll["_scroll_id"])["num_freed"] == 1
    with pytest.raises(NotFoundError, match="search_context_missing_exception"):
        client.scroll(scroll_id=scroll["_scroll_id"])


def test_the_source_is_filtered_by_patterns(shared, fresh_index):
    document = {"a": {"b": 1, "c": 2}, "d": [{"e": 3, "f": 4}], "g": 5}
    index = fresh_index(documents=[document])

    def source(**options):
        return shared.client.search(index=index, **options)["hits"]["hits"][0].get("_source")

    assert source() == document
    assert source(source=False) is None
    assert source(source=["a.b", "d.e"]) == {"a": {"b": 1}, "d": [{"e": 3}]}
    assert source(source={"excludes": ["a.*", "g"]}) == {"a": {}, "d": [{"e": 3, "f": 4}]}
    assert source(source_includes="g") == {"g": 5}
    assert shared.client.get(index=index, id="1", source_excludes="a,d")["_source"] == {"g": 5}
