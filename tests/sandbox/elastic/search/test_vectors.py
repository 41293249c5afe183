"""dense_vector fields, near vectors and retrievers over the official client, against arithmetic by hand."""

import numpy as np
import pytest
from elasticsearch import BadRequestError

ROWS = np.array([[3, 4, 0], [0, 2, 0], [1, 0, 0], [0, 0, -5], [1, 1, 1]], float)
QUERY = [1.0, 2.0, 0.0]
WORDS = ["red fox", "red dog", "blue fox", "green frog", "red red red"]


def vectors(**given):
    return {
        "v": {"type": "dense_vector", "dims": 3, **given},
        "word": {"type": "text"},
        "n": {"type": "integer"},
    }


def documents(rows=ROWS):
    return [
        {"v": row.tolist(), "word": word, "n": n}
        for n, (row, word) in enumerate(zip(rows, WORDS, strict=True))
    ]


def found(answer):
    return [(hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]]


def near(k=5, **given):
    return {"field": "v", "query_vector": QUERY, "k": k, "num_candidates": max(k, 10), **given}


def cosine(rows):
    return rows @ QUERY / np.linalg.norm(rows, axis=1) / np.linalg.norm(QUERY)


@pytest.mark.parametrize(
    ("similarity", "rows", "scores"),
    [
        ("cosine", ROWS, lambda rows: (1 + cosine(rows)) / 2),
        ("l2_norm", ROWS, lambda rows: 1 / (1 + ((rows - QUERY) ** 2).sum(1))),
        (
            "dot_product",
            ROWS / np.linalg.norm(ROWS, axis=1)[:, None],
            lambda rows: np.maximum((1 + rows @ QUERY) / 2, 0),
        ),
        ("max_inner_product", -ROWS, lambda rows: [1 / (1 - x) if x < 0 else x + 1 for x in rows @ QUERY]),
    ],
    ids=["cosine", "l2_norm", "dot_product", "max_inner_product"],
)
def test_the_scores_of_every_similarity_are_lucenes(shared, fresh_index, similarity, rows, scores):
    index = fresh_index(vectors(similarity=similarity), documents=documents(rows))
    expected = dict(enumerate(np.asarray(scores(rows)), 1))
    hits = found(shared.client.search(index=index, knn=near()))
    assert [int(id_) for id_, _ in hits] == sorted(expected, key=lambda id_: -expected[id_])
    assert {int(id_): score for id_, score in hits} == pytest.approx(expected, rel=1e-5)


def test_the_k_nearest_of_those_that_a_filter_allows_are_the_hits(shared, fresh_index):
    index = fresh_index(vectors(), documents=documents())
    search = shared.client.search
    assert [id_ for id_, _ in found(search(index=index, knn=near(k=2)))] == ["1", "2"]
    only = {"range": {"n": {"gte": 2}}}
    filtered = search(index=index, knn=near(k=2, filter=only))
    assert ([id_ for id_, _ in found(filtered)], filtered["hits"]["total"]["value"]) == (["5", "3"], 2)
    assert found(search(index=index, query={"knn": near(k=2, filter=only)})) == found(filtered)
    close = search(index=index, knn=near(similarity=0.9))
    assert [id_ for id_, _ in found(close)] == ["1"]  # the cosine of the next one is 0.894


def test_a_query_beside_knn_adds_its_scores(shared, fresh_index):
    index = fresh_index(vectors(), documents=documents())
    search = shared.client.search
    words = dict(found(search(index=index, query={"match": {"word": "fox"}})))
    nearest = dict(found(search(index=index, knn=near(k=2, boost=3.0))))
    both = dict(found(search(index=index, query={"match": {"word": "fox"}}, knn=near(k=2, boost=3.0))))
    assert both == pytest.approx({id_: words.get(id_, 0) + nearest.get(id_, 0) for id_ in {*words, *nearest}})


def test_k_counts_over_all_indices_of_a_search(shared, fresh_index):
    first = fresh_index(vectors(), documents=documents()[:2])
    second = fresh_index(vectors(), documents=documents()[2:])
    answer = shared.client.search(index=f"{first},{second}", knn=near(k=3))
    assert [(hit["_index"], hit["_id"]) for hit in answer["hits"]["hits"]] == [
        (first, "1"),
        (first, "2"),
        (second, "3"),
    ]


def test_reciprocal_ranks_are_summed(shared, fresh_index):
    index = fresh_index(vectors(), documents=documents())
    words = {"standard": {"query": {"match": {"word": "red"}}}}
    retriever = {"rrf": {"retrievers": [words, {"knn": near(k=3)}], "rank_constant": 10}}
    hits = found(shared.client.search(index=index, retriever=retriever))
    by_words = [id_ for id_, _ in found(shared.client.search(index=index, query=words["standard"]["query"]))]
    by_vector = ["1", "2", "5"]
    expected = {
        id_: sum(1 / (11 + ranking.index(id_)) for ranking in (by_words, by_vector) if id_ in ranking)
        for id_ in {*by_words, *by_vector}
    }
    assert dict(hits) == pytest.approx(expected)
    assert [score for _, score in hits] == pytest.approx(sorted(expected.values(), reverse=True))


def test_linear_weighs_normalized_scores(shared, fresh_index):
    index = fresh_index(vectors(), documents=documents())
    words = {"standard": {"query": {"match": {"word": "fox"}}}}
    parts = [
        {"retriever": words, "weight": 2, "normalizer": "minmax"},
        {"retriever": {"knn": near(k=2)}, "weight": 0.5, "normalizer": "l2_norm"},
    ]
    hits = dict(found(shared.client.search(index=index, retriever={"linear": {"retrievers": parts}})))
    nearest = found(shared.client.search(index=index, knn=near(k=2)))
    length = sum(score**2 for _, score in nearest) ** 0.5
    # Both foxes score the same, and such scores are not normalized.
    foxes = found(shared.client.search(index=index, query=words["standard"]["query"]))
    expected = {id_: 2 * score for id_, score in foxes}
    assert set(expected) == {"1", "3"}
    for id_, score in nearest:
        expected[id_] = expected.get(id_, 0) + 0.5 * score / length
    assert hits == pytest.approx(expected, rel=1e-5)


def test_the_dimensions_of_the_first_vector_become_the_fields(shared, fresh_index):
    index = fresh_index({"v": {"type": "dense_vector", "index_options": {"type": "int8_hnsw", "m": 16}}})
    shared.client.index(index=index, document={"v": [1, 2]})
    mapping = shared.client.indices.get_mapping(index=index)[index]["mappings"]["properties"]["v"]
    assert (mapping["dims"], mapping["index_options"]) == (2, {"type": "int8_hnsw", "m": 16})
    with pytest.raises(
        BadRequestError, match=r"number of dimensions \[3\] than defined in the mapping \[2\]"
    ):
        shared.client.index(index=index, document={"v": [1, 2, 3]})


@pytest.mark.parametrize(
    ("parameters", "value", "problem"),
    [
        ({"similarity": "cosine"}, [0, 0, 0], "zero magnitude"),
        ({"similarity": "dot_product"}, [1, 1, 0], "unit-length"),
        ({"element_type": "byte"}, [1, 2, 300], r"\[-128, 127\] but found \[300.0\] at dim \[2\]"),
        ({}, [1, "x", 2], r"\[x\] at dim \[1\] is no number"),
        ({}, "AAAA", "only arrays of numbers"),
    ],
)
def test_what_is_no_vector_of_the_field_is_refused(shared, fresh_index, parameters, value, problem):
    index = fresh_index(vectors(**parameters))
    with pytest.raises(BadRequestError, match=problem):
        shared.client.index(index=index, document={"v": value})


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (
            {"similarity": "manhattan"},
            r"accepted values are \[cosine, dot_product, l2_norm, max_inner_product\]",
        ),
        ({"dims": 5000}, r"range \[1, 4096\] but was \[5000\]"),
        ({"element_type": "bit"}, "does not imitate the element_type"),
        ({"index_options": {"type": "bbq_hnsw"}}, "does not support dimensions fewer than 64"),
        ({"index_options": {"type": "ivf"}}, "Unknown vector index options type"),
        ({"element_type": "byte", "index_options": {"type": "int8_hnsw"}}, r"cannot be \[byte\]"),
    ],
)
def test_what_is_no_dense_vector_is_refused(fresh_index, definition, problem):
    with pytest.raises(BadRequestError, match=problem):
        fresh_index(vectors(**definition))


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        ({"knn": near(k=20, num_candidates=10)}, r"\[num_candidates\] cannot be less than \[k\]"),
        ({"knn": {**near(), "query_vector": [1, 2]}}, r"different dimension \[2\] than the index vectors \[3\]"),
        ({"knn": {**near(), "field": "word"}}, r"only supported on \[dense_vector\]"),
        ({"knn": {**near(), "field": "gone"}}, r"field \[gone\] does not exist"),
        ({"knn": near(inner_hits={})}, r"\[inner_hits\] cannot be set"),
        ({"retriever": {"knn": near(inner_hits={})}}, r"does not support \[inner_hits\]"),
        ({"query": {"script_score": {"query": {"match_all": {}}}}}, r"\[script_score\] requires a \[script\]"),
        ({"query": {"term": {"v": 1}}}, "doesn't support term queries"),
        ({"retriever": {"standard": {}}, "query": {"match_all": {}}}, r"cannot specify \[retriever\] and \[query\]"),
        ({"retriever": {"pinned": {}}}, r"does not imitate the retriever \[pinned\]"),
        ({"retriever": {"magic": {}}}, r"unknown retriever \[magic\]"),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {}}]}}}, r"at least 2 \[retrievers\]"),
        (
            {"retriever": {"rrf": {"retrievers": [{"standard": {}}] * 2, "rank_window_size": 5}}},
            r"\[rank_window_size: 5\] be greater than or equal to \[size: 10\]",
        ),
        ({"retriever": {"rrf": {"query": "x", "fields": ["word"]}}}, r"does not imitate \[query\] of the retriever"),
    ],
)  # fmt: skip
def test_what_is_not_imitated_or_not_allowed_is_refused_by_name(shared, fresh_index, search, problem):
    index = fresh_index(vectors(), documents=documents())
    with pytest.raises(BadRequestError, match=problem):
        shared.client.search(index=index, **search)


@pytest.fixture(scope="module")
def many():
    """400 vectors without any order, where neighbors are hard to find, and 10 queries."""
    random = np.random.default_rng(7)
    return [random.normal(size=(count, 32)).astype(np.float32) for count in (400, 10)]


@pytest.fixture
def recall(shared, fresh_index, many):
    """The part of the ten true neighbors that searches find, by field parameters and what is asked for."""
    rows, queries = many
    client = shared.client

    def of(parameters, **asked):
        index = fresh_index(vectors(**parameters, dims=32), documents=[{"v": row.tolist(), "n": 1} for row in rows])  # fmt: skip
        hits = []
        for query in queries.tolist():
            exact = script("1 / (1 + l2norm(params.q, 'v'))", query)
            knn = {"field": "v", "query_vector": query, "k": 10, **asked}
            truth, answer = (client.search(index=index, source=False, **one) for one in ({"query": exact}, {"knn": knn}))  # fmt: skip
            hits += [hit["_id"] in {each["_id"] for each in truth["hits"]["hits"]} for hit in answer["hits"]["hits"]]  # fmt: skip
        assert len(hits) == 100
        return sum(hits) / 100

    return of


def script(source, vector=QUERY):
    return {
        "script_score": {"query": {"match_all": {}}, "script": {"source": source, "params": {"q": vector}}}
    }


def test_more_candidates_find_more_of_the_true_neighbors_and_as_many_as_there_are_vectors_find_all(recall):
    few, some = (recall({"similarity": "l2_norm"}, num_candidates=number) for number in (10, 100))
    assert few < some
    assert few > 0.3
    assert some > 0.9
    assert recall({"similarity": "l2_norm"}, num_candidates=400) == 1


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [({"index_options": {"type": "flat"}}, {}), ({}, {"filter": {"range": {"n": {"gte": 1}}}})],
    ids=["flat", "nothing is left out by the filter"],
)
def test_a_flat_index_is_searched_exactly(recall, parameters, asked):
    found = recall({"similarity": "l2_norm", **parameters}, num_candidates=10, **asked)
    assert (found == 1) == bool(parameters)


@pytest.mark.parametrize(
    ("source", "scores"),
    [
        ("cosineSimilarity(params.q, 'v') + 1.0", lambda rows: cosine(rows) + 1),
        ('return dotProduct( params.q, "v" ) + 20;', lambda rows: rows @ QUERY + 20),
        ("1 / (1 + l2norm(params.q, 'v'))", lambda rows: 1 / (1 + np.sqrt(((rows - QUERY) ** 2).sum(1)))),
        ("double value = dotProduct(params.q, 'v'); return sigmoid(1, Math.E, -value);", lambda rows: 1 / (1 + np.exp(-(rows @ QUERY)))),
        ("double value = dotProduct(params.q, 'v'); return value < 0 ? 1 / (1 - value) : value + 1;", lambda rows: [1 / (1 - x) if x < 0 else x + 1 for x in rows @ QUERY]),
    ],
    ids=["cosine", "dot product", "distance", "sigmoid", "as max_inner_product"],
)  # fmt: skip
def test_the_scripts_of_the_reference_score_every_vector(shared, fresh_index, source, scores):
    index = fresh_index(
        vectors(similarity="l2_norm", index_options={"type": "int8_hnsw"}), documents=documents()
    )
    answer = found(shared.client.search(index=index, query=script(source)))
    expected = np.asarray(scores(ROWS))
    assert {int(id_): score for id_, score in answer} == pytest.approx(dict(enumerate(expected, 1)), rel=1e-5)
    assert [score for _, score in answer] == sorted((score for _, score in answer), reverse=True)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (script("Math.log(2 + doc['n'].value)"), "no painless: .* not \\[Math.log"),
        (script("hamming(params.q, 'v') + 1"), "no painless"),
        (script("cosineSimilarity(params.q, 'v')", [-1.0, -2.0, 0.0]), "Must be a non-negative score"),
        (
            script("dotProduct(params.q, 'v') + 99", [1.0]),
            r"dimensions \[1\] than the document vectors \[3\]",
        ),
        (script("dotProduct(params.q, 'n') + 99"), r"Field \[n\] is no \[dense_vector\]"),
        (script("dotProduct(params.p, 'v') + 99"), r"\[p\]"),
    ],
    ids=["painless", "another function", "negative", "dimensions", "another field", "no such parameter"],
)
def test_other_scripts_and_what_they_cannot_score_are_refused(shared, fresh_index, query, problem):
    index = fresh_index(vectors(), documents=documents())
    with pytest.raises(BadRequestError, match=problem):
        shared.client.search(index=index, query=query)


def test_a_document_without_a_vector_is_scored_by_no_script(shared, fresh_index):
    index = fresh_index(vectors(), documents=[*documents(), {"word": "none"}])
    with pytest.raises(BadRequestError, match="doesn't have a value for a vector field"):
        shared.client.search(index=index, query=script("cosineSimilarity(params.q, 'v') + 1.0"))
