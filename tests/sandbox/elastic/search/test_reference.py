"""Postings against a full scan, over random documents, deletions and queries."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.elastic.search import scoring

WORDS = ["fox", "dog", "cat", "owl"]
texts = st.lists(st.sampled_from(WORDS), max_size=45).map(" ".join)
weights = st.dictionaries(st.sampled_from(WORDS), st.floats(0.125, 8, width=16), max_size=4)
documents = st.fixed_dictionaries({"plot": texts, "v": weights, "n": st.integers(0, 3)})


def reference_match(documents, words):
    """BM25 by its formula, one document at a time."""
    documents = {id_: each for id_, each in documents.items() if each["plot"]}  # an empty text has no terms
    lengths = {id_: len(each["plot"].split()) for id_, each in documents.items()}
    if not lengths:
        return {}
    average = sum(lengths.values()) / len(lengths)
    found = {}
    for id_, each in documents.items():
        counts = Counter(each["plot"].split())
        score = 0.0
        for word in words:
            holding = sum(word in other["plot"].split() for other in documents.values())
            if counts[word]:
                idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
                length = scoring.byte_length(scoring.length_byte(lengths[id_]))
                score += 2.2 * idf * counts[word] / (counts[word] + 1.2 * (0.25 + 0.75 * length / average))
        if any(counts[word] for word in words):
            found[id_] = score
    return found


def reference_sparse(documents, query):
    """The sum over shared tokens, with stored weights truncated to nine bits."""
    found = {}
    for id_, each in documents.items():
        shared = query.keys() & each["v"].keys()
        cut = {token: scoring.stored_weights(np.array([each["v"][token]], np.float32))[0] for token in shared}
        if shared:
            found[id_] = float(sum(query[token] * float(cut[token]) for token in shared))
    return found


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | documents, st.booleans()), max_size=25),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True),
    weights,
    st.integers(0, 3),
)
def test_postings_find_and_score_like_a_full_scan(shared, fresh_index, writes, words, tokens, number):
    client = shared.client
    index = fresh_index({"plot": {"type": "text"}, "v": {"type": "sparse_vector"}, "n": {"type": "long"}})
    there = {}
    for id_, document, refreshes in writes:
        if document is None:
            client.options(ignore_status=404).delete(index=index, id=str(id_), refresh=refreshes)
            there.pop(str(id_), None)
        else:
            client.index(index=index, id=str(id_), document=document, refresh=refreshes)
            there[str(id_)] = document
    client.indices.refresh(index=index)

    def found(query):
        hits = client.search(index=index, query=query, size=100)["hits"]["hits"]
        return {hit["_id"]: hit["_score"] for hit in hits}

    assert found({"match": {"plot": " ".join(words)}}) == pytest.approx(
        reference_match(there, words), rel=1e-5
    )
    sparse = {"sparse_vector": {"field": "v", "query_vector": tokens, "prune": False}}
    assert found(sparse) == pytest.approx(reference_sparse(there, tokens), rel=1e-5)
    both = {"bool": {"must": {"match": {"plot": words[0]}}, "filter": {"range": {"n": {"gte": number}}}}}
    kept = {id_ for id_, each in there.items() if each["n"] >= number}
    expected = {id_: score for id_, score in reference_match(there, words[:1]).items() if id_ in kept}
    assert found(both) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_hundred_thousand_documents_are_loaded_and_searched_in_reasonable_time(elastic_server):
    import random

    from elasticsearch import helpers

    draw = random.Random(7)
    words = [f"word{number}" for number in range(30_000)]

    def document(number):
        plot = " ".join([*draw.choices(words, k=10), "film"])
        return {"plot": plot, "n": number, "v": {draw.choice(words): draw.uniform(0.1, 3) for _ in range(40)}}

    elastic = elastic_server()
    client = elastic.client
    mapping = {"properties": {"v": {"type": "sparse_vector"}}}
    client.indices.create(index="many", mappings=mapping, settings={"refresh_interval": "-1"})
    operations = (
        {"_index": "many", "_id": str(number), "_source": document(number)} for number in range(100_000)
    )
    assert helpers.bulk(client, operations, chunk_size=1_000) == (100_000, [])
    client.indices.refresh(index="many")
    tokens = {draw.choice(words): 1.0 for _ in range(60)}
    for query in (
        {"match": {"plot": "word1 film"}},
        {"sparse_vector": {"field": "v", "query_vector": tokens}},
        {"range": {"n": {"gte": 50_000}}},
        {"match_phrase": {"plot": "word1 film"}},
    ):
        assert client.search(index="many", query=query)["hits"]["total"]["value"]
