"""Explanations: the tree of a score, whose parts are what they say, in searches and of single documents."""

import math
import re

import pytest
from elasticsearch import BadRequestError, NotFoundError

FILMS = {
    "1": {"title": "The red fox", "plot": "A red fox meets a red dog.", "genre": "animals", "year": 2001},
    "2": {"title": "Blue water", "plot": "A boat on blue water.", "genre": "sea", "year": 1999},
    "3": {"title": "Red water", "plot": "A shark.", "genre": "sea", "year": 1975},
}
BM25 = {"match": {"plot": "red boat"}}


@pytest.fixture(scope="module")
def films(here):
    properties = {"title": {"type": "text"}, "plot": {"type": "text"}, "genre": {"type": "keyword"}}
    properties["vector"] = {"type": "dense_vector", "dims": 2}
    here.indices.create(index="films", mappings={"properties": properties})
    for id_, film in FILMS.items():
        here.index(index="films", id=id_, document={**film, "vector": [int(id_), 1]})
    here.indices.refresh(index="films")
    here.indices.put_alias(index="films", name="sea-films", filter={"term": {"genre": "sea"}})
    return "films"


def check(tree):
    """See that each value of a tree is what its description makes of the details."""
    parts, words = [each["value"] for each in tree["details"]], tree["description"]
    if words == "sum of:":
        assert tree["value"] == pytest.approx(sum(parts), rel=1e-5)
    elif words == "max of:":
        assert tree["value"] == max(parts)
    elif words.startswith("max plus"):
        assert tree["value"] == pytest.approx(max(parts) + 0.5 * (sum(parts) - max(parts)), rel=1e-5)
    elif words.endswith("computed as boost * idf * tf from:"):
        assert tree["value"] == pytest.approx(math.prod(parts), rel=1e-5)
    elif words.startswith("idf, computed"):
        n, documents = parts
        assert tree["value"] == pytest.approx(math.log(1 + (documents - n + 0.5) / (n + 0.5)), rel=1e-5)
    elif words.startswith("tf, computed"):
        freq, k1, b, length, average = parts
        assert tree["value"] == pytest.approx(freq / (freq + k1 * (1 - b + b * length / average)), rel=1e-5)
    elif words.startswith("weight("):
        assert [tree["value"]] == parts
    for each in tree["details"]:
        check(each)


@pytest.mark.parametrize(
    "query",
    [
        BM25,
        {"term": {"genre": {"value": "sea", "boost": 3}}},
        {"bool": {"must": [BM25], "should": [{"match": {"title": "red"}}], "filter": [{"range": {"year": {"gte": 1970}}}]}},
        {"dis_max": {"queries": [BM25, {"match": {"title": "red water"}}]}},
        {"dis_max": {"queries": [{"match": {"plot": "red"}}, {"match": {"title": "red"}}], "tie_breaker": 0.5}},
        {"constant_score": {"filter": {"term": {"genre": "sea"}}, "boost": 2}},
        {"boosting": {"positive": BM25, "negative": {"term": {"genre": "sea"}}, "negative_boost": 0.5}},
        {"function_score": {"query": BM25, "functions": [{"weight": 3}]}},
        {"query_string": {"query": "plot:red OR title:water^2"}},
        {"multi_match": {"query": "red water", "fields": ["title", "plot"], "type": "cross_fields"}},
        {"match_all": {}},
    ],
    ids=lambda query: next(iter(query)),
)  # fmt: skip
def test_the_tree_of_every_hit_ends_in_its_score(here, films, query):
    hits = here.search(index=films, query=query, explain=True)["hits"]["hits"]
    assert hits
    for hit in hits:
        assert hit["_explanation"]["value"] == pytest.approx(hit["_score"], rel=1e-6)
        assert (hit["_shard"], bool(hit["_node"])) == ("[films][0]", True)
        check(hit["_explanation"])
        one = here.explain(index=films, id=hit["_id"], query=query)
        assert (one["matched"], one["explanation"]) == (True, hit["_explanation"])


def test_a_term_is_taken_apart_into_the_numbers_of_bm25(here, films):
    tree = here.explain(index=films, id="1", query={"match": {"plot": "red"}})["explanation"]
    assert tree["description"].startswith("weight(plot:red in 0) [PerFieldSimilarity], result of:")
    ((computed,),) = [tree["details"]]
    boost, idf, tf = computed["details"]
    assert boost == {"value": 2.2, "description": "boost", "details": []}
    assert [each["value"] for each in idf["details"]] == [1, 3]
    assert [(each["value"], each["description"].split(",")[0]) for each in tf["details"]] == [
        (2.0, "freq"),
        (1.2, "k1"),
        (0.75, "b"),
        (7.0, "dl"),
        (pytest.approx(14 / 3), "avgdl"),
    ]


def test_a_document_that_does_not_match_is_explained_too_and_one_that_is_not_there_is_404(here, films):
    found = here.explain(index=films, id="3", query=BM25, source=["title"])
    assert (found["matched"], found["explanation"]["value"]) == (False, 0.0)
    assert found["get"]["_source"] == {"title": "Red water"}
    assert here.explain(index=films, id="1", q="plot:red")["matched"]
    assert not here.explain(index="sea-films", id="1", query=BM25)["matched"]
    with pytest.raises(NotFoundError) as error:
        here.explain(index=films, id="9", query=BM25)
    assert error.value.body == {"_index": films, "_id": "9", "matched": False}


def test_what_is_near_is_among_the_nearest_and_added_to_what_matches(here, films):
    near = {"field": "vector", "query_vector": [3, 1], "k": 2, "num_candidates": 3}
    for hit in here.search(index=films, knn=near, explain=True)["hits"]["hits"]:
        assert hit["_explanation"] == {
            "value": hit["_score"],
            "description": "within top 2 docs",
            "details": [],
        }
    hits = here.search(index=films, knn=[near, {**near, "k": 1}], query=BM25, explain=True)["hits"]["hits"]
    trees = {hit["_id"]: hit["_explanation"] for hit in hits}
    assert {hit["_id"]: hit["_score"] for hit in hits} == {id_: tree["value"] for id_, tree in trees.items()}
    assert [part["description"][:12] for part in trees["2"]["details"]] == ["weight(plot:", "within top 2"]
    assert trees["3"]["description"] == "sum of:"
    assert trees["1"]["description"].startswith("weight(plot:")
    for tree in trees.values():
        check(tree)


def test_what_cannot_be_explained_is_refused(here, films):
    with pytest.raises(BadRequestError, match="query is missing"):
        here.explain(index=films, id="1")


RED, NEAR = (
    {"standard": {"query": {"match": {"plot": "red"}}}},
    {"field": "vector", "query_vector": [3, 1], "k": 2},
)
NEAR["num_candidates"] = 3


def explanations(here, films, retriever):
    hits = here.search(index=films, retriever=retriever, explain=True)["hits"]["hits"]
    trees = {hit["_id"]: hit["_explanation"] for hit in hits}
    assert {hit["_id"]: hit["_score"] for hit in hits} == {id_: tree["value"] for id_, tree in trees.items()}
    return trees


def test_rrf_is_explained_by_the_ranks_in_each_retriever(here, films):
    near = {"knn": {**NEAR, "_name": "near"}}
    rrf = {"rrf": {"retrievers": [RED, near], "rank_constant": 1}}
    trees = explanations(here, films, rrf)
    assert set(trees) == {"1", "2", "3"}
    third = trees["3"]
    assert third["description"] == (
        "rrf score: [0.5] computed for initial ranks [0, 1] with rankConstant: [1] as sum of [1 / (rank + rankConstant)] "
        "for each query"
    )
    missing, found = third["details"]
    assert missing == {
        "value": 0.0,
        "description": "rrf score: [0], result not found in query at index [0]",
        "details": [],
    }
    assert found["value"] == 1
    assert found["description"] == (
        "rrf score: [0.5], for rank [1] in query at index [1] [near] computed as [1 / (1 + 1)], for matching query with score"
    )
    (ranked,) = found["details"]
    assert re.fullmatch(
        r"doc \[\d\] with an original score of \[1.0\] is at rank \[1\] from the following source queries.",
        ranked["description"],
    )
    assert ranked["details"][0]["description"] == "found vector with calculated similarity: 1.0"
    assert trees["1"]["details"][0]["details"][0]["description"].startswith("weight(plot:red")


def test_linear_is_explained_by_normalized_scores_and_weights_down_to_an_rrf_within(here, films):
    rrf = {"rrf": {"retrievers": [RED, {"knn": NEAR}], "rank_constant": 1}}
    words = {"standard": {"query": {"match": {"plot": "red water"}}}}
    parts = [{"retriever": words, "weight": 10, "normalizer": "minmax"}, {"retriever": rrf, "weight": 2}]
    trees = explanations(here, films, {"linear": {"retrievers": parts}})
    first, third = trees["1"], trees["3"]
    assert first["value"] == 11.0
    assert first["description"] == (
        "weighted linear combination score: [11.0] computed for normalized scores [1.0, 0.5] and weights [10.0, 2.0] "
        "as sum of (weight[i] * score[i]) for each query."
    )
    assert first["details"][0]["description"] == (
        "weighted score: [10.0] in query at index [0] computed as [10.0 * 1.0] using score normalizer [minmax] "
        "for original matching query with score:"
    )
    assert third["details"][0]["description"] == "weighted score: [0], result not found in query at index [0]"
    (within,) = third["details"][1]["details"]
    assert within["description"].startswith("rrf score: [0.5] computed for initial ranks [0, 1]")
    for part in first["details"][0]["details"]:
        check(part)


def test_a_retriever_alone_is_explained_as_its_query_or_section(here, films):
    genre = {"term": {"genre": "sea"}}
    query = {"bool": {"must": BM25, "filter": [genre]}}
    by_query = here.search(index=films, query=query, explain=True)["hits"]["hits"]
    trees = explanations(here, films, {"standard": {"query": BM25, "filter": genre}})
    assert trees == {hit["_id"]: hit["_explanation"] for hit in by_query}
    section = here.search(index=films, knn=NEAR, explain=True)["hits"]["hits"]
    trees = explanations(here, films, {"knn": NEAR})
    assert trees == {hit["_id"]: hit["_explanation"] for hit in section}


def test_an_explanation_of_retrievers_over_several_indices_counts_ranks_over_all(here, films):
    if not here.indices.exists(index="more-films"):
        here.indices.create(index="more-films", mappings={"properties": {"plot": {"type": "text"}}})
        here.index(index="more-films", id="9", document={"plot": "red red red"}, refresh=True)
    both = f"{films},more-films"
    rrf = {"rrf": {"retrievers": [RED, {"standard": {"query": {"match": {"plot": "fox"}}}}]}}
    trees = explanations(here, both, rrf)
    ranks = {
        id_: re.search(r"initial ranks \[(.*?)\]", tree["description"])[1] for id_, tree in trees.items()
    }
    assert sorted(ranks.values()) in (["1, 0", "2, 1"], ["1, 1", "2, 0"])
