"""Searches, queries and counts in a collection through the official clients."""

import pytest
from google.api_core import exceptions
from google.cloud import vectorsearch_v1 as v2

from tests.polling import SOON

EVERYTHING = {"data_fields": ["*"], "vector_fields": ["*"], "metadata_fields": ["*"]}


def nearest(vector, **more):
    return {"vector": {"values": vector}, "search_field": "plot", **more}


def test_a_dense_search_ranks_by_dot_product_and_by_cosine(collections):
    name = collections.movies()
    found = list(
        collections.search.search_data_objects(request={"parent": name, "vector_search": nearest([1, 1])})
    )
    assert [each.data_object.data_object_id for each in found] == ["gravity", "alien", "heat"]
    assert [round(each.distance, 3) for each in found] == [1.4, 1, 1]
    cosine = nearest([1, 0], distance_metric="COSINE_DISTANCE", top_k=1)
    (best,) = collections.search.search_data_objects(request={"parent": name, "vector_search": cosine})
    assert (best.data_object.data_object_id, best.distance) == ("alien", 0)


def test_a_search_obeys_the_metric_of_the_index_unless_it_asks_for_none(over_grpc):
    name = over_grpc.movies()
    index = {"index_field": "plot", "distance_metric": "COSINE_DISTANCE"}
    made = over_grpc.service.create_index(parent=name, index_id="plots", index=index)
    made = made.result(timeout=60, polling=SOON)

    def best(**more):
        request = {"parent": name, "vector_search": nearest([1, 0.2], top_k=1, **more)}
        (found,) = over_grpc.search.search_data_objects(request=request)
        return round(found.distance, 2)

    assert best() == best(search_hint={"index_hint": {"name": made.name}}) == 0.02
    assert best(search_hint={"knn_hint": {}}) == 1.0


def test_an_index_with_a_unit_norm_compares_directions(over_grpc):
    name = over_grpc.movies()
    index = {"index_field": "plot", "dense_scann": {"feature_norm_type": "UNIT_L2_NORM"}}
    over_grpc.service.create_index(parent=name, index_id="plots", index=index).result(
        timeout=60, polling=SOON
    )
    request = {"parent": name, "vector_search": nearest([0, 7], top_k=2)}
    found = [
        (each.data_object.data_object_id, round(each.distance, 2))
        for each in over_grpc.search.search_data_objects(request=request)
    ]
    assert found == [("heat", 1.0), ("gravity", 0.49)]


def test_a_sparse_search_finds_what_shares_an_index(collections):
    name = collections.movies()
    query = {"sparse_vector": {"values": [3.0, 1.0], "indices": [1995, 7]}, "search_field": "words"}
    assert collections.found(name, vector_search=query)[0] == "heat"
    alone = {"sparse_vector": {"values": [3.0], "indices": [1995]}, "search_field": "words"}
    assert collections.found(name, vector_search=alone) == ["heat"]


def test_a_text_search_ranks_by_the_words_of_the_named_fields(collections):
    name = collections.movies()
    search = {"search_text": "Space air", "data_field_names": ["text"]}
    assert collections.found(name, text_search=search) == ["gravity", "alien"]
    elsewhere = {"search_text": "space", "data_field_names": ["genre"]}
    assert collections.found(name, text_search=elsewhere) == []


def test_output_fields_choose_what_an_answer_holds(collections):
    name = collections.movies()

    def first(fields):
        request = {"parent": name, "vector_search": nearest([1, 0], output_fields=fields)}
        return next(iter(collections.search.search_data_objects(request=request))).data_object

    bare = first({})
    assert (bare.data_object_id, len(bare.data or {}), len(bare.vectors)) == ("alien", 0, 0)
    some = first({"data_fields": ["year"], "vector_fields": ["words"]})
    assert (dict(some.data), list(some.vectors), some.etag) == ({"year": 1979}, ["words"], "")
    whole = first(EVERYTHING)
    assert whole == collections.objects.get_data_object(name=whole.name)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "alien heat gravity"),
        ({"genre": {"$eq": "Crime"}}, "heat"),
        ({"genre": {"$ne": "Crime"}}, "alien gravity"),
        ({"year": {"$gt": 1979, "$lt": 2013}}, "heat"),
        ({"year": {"$gte": 1979}}, "alien heat gravity"),
        ({"year": {"$lte": 1995}}, "alien heat"),
        ({"genre": {"$in": ["Crime", "Drama"]}}, "heat gravity"),
        ({"genre": {"$nin": ["Crime", "Drama"]}}, "alien"),
        ({"tags": {"$all": ["Horror", "space"]}}, "alien"),
        ({"$or": [{"year": {"$lt": 1980}}, {"genre": {"$eq": "Drama"}}]}, "alien gravity"),
        ({"$and": [{"year": {"$lt": 2000}}, {"genre": {"$ne": "Horror"}}]}, "heat"),
        ({"genre": {"$eq": "Crime"}, "year": {"$eq": 1979}}, ""),
        ({"year": {"$eq": True}}, ""),
    ],
    ids=str,
)
def test_queries_searches_and_counts_obey_the_documented_filters(over_grpc, given, expected, films):
    assert over_grpc.queried(films, given) == set(expected.split())
    assert set(over_grpc.found(films, vector_search=nearest([1, 1], filter=given))) == set(expected.split())
    counted = over_grpc.search.aggregate_data_objects(
        request={"parent": films, "filter": given, "aggregate": "COUNT"}
    )
    assert [dict(each) for each in counted.aggregate_results] == [{"count": len(expected.split())}]


@pytest.fixture
def films(over_grpc):
    return over_grpc.movies()


@pytest.mark.parametrize(
    "given",
    [
        {"year": 1979},
        {"$not": [{}]},
        {"year": {"$gt": "1979"}},
        {"year": {"$in": [1979]}},
        {"year": {"$is": 1}},
    ],
    ids=str,
)
def test_a_filter_that_is_not_understood_is_refused(over_grpc, given, films):
    with pytest.raises(exceptions.InvalidArgument, match="is not supported"):
        over_grpc.queried(films, given)


def test_queries_and_searches_come_in_pages(collections):
    name = collections.movies()
    pages = collections.search.query_data_objects(request={"parent": name, "page_size": 2}).pages
    assert [len(page.data_objects) for page in pages] == [2, 1]
    request = {"parent": name, "vector_search": nearest([1, 1]), "page_size": 2}
    found = collections.search.search_data_objects(request=request).pages
    assert [len(page.results) for page in found] == [2, 1]


def test_a_batch_of_searches_is_answered_one_by_one_or_fused(collections):
    name = collections.movies()
    searches = [
        {"vector_search": nearest([0, 1], top_k=2)},
        {"text_search": {"search_text": "space", "data_field_names": ["text"]}},
    ]
    each = collections.search.batch_search_data_objects(request={"parent": name, "searches": searches})
    assert [[one.data_object.data_object_id for one in answer.results] for answer in each.results] == [
        ["heat", "gravity"],
        ["gravity", "alien"],
    ]
    combine = {"ranker": {"rrf": {"weights": [1.0, 2.0]}}, "top_k": 2, "output_fields": EVERYTHING}
    request = {"parent": name, "searches": searches, "combine": combine}
    (fused,) = collections.search.batch_search_data_objects(request=request).results
    assert [one.data_object.data_object_id for one in fused.results] == ["gravity", "alien"]
    assert fused.results[0].distance == pytest.approx(1 / 62 + 2 / 61)
    combine["ranker"] = {"rrf": {"weights": [1.0]}}
    with pytest.raises(exceptions.BadRequest, match="1 weights for 2 searches"):
        collections.search.batch_search_data_objects(request=request)


def test_what_needs_a_model_is_refused_by_name(over_grpc):
    config = {"dimensions": 2, "vertex_embedding_config": {"model_id": "gemini-embedding-001"}}
    name = over_grpc.create(vector_schema={"plot": {"dense_vector": config}})
    semantic = {"search_text": "space", "search_field": "plot"}
    with pytest.raises(exceptions.MethodNotImplemented, match="embedding model of the field 'plot'"):
        over_grpc.found(name, semantic_search=semantic)
    with pytest.raises(exceptions.MethodNotImplemented, match="embedding model of the vector field 'plot'"):
        over_grpc.objects.create_data_object(parent=name, data_object_id="a", data_object=v2.DataObject())
    with pytest.raises(exceptions.InvalidArgument, match="no vertex_embedding_config"):
        over_grpc.found(over_grpc.create(), semantic_search=semantic)
