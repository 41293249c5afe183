"""BM25 with parameters of an index's own, as other people's stores define it, against the formula."""

import math

import pytest
from elasticsearch import BadRequestError

TEXTS = {"1": "red red fox", "2": "red dog", "3": "a long text about one red boat on the water"}


def scores(client, name, similarity, field, query):
    """The scores of texts in an index with a similarity of its own."""
    client.indices.create(
        index=name,
        settings={"similarity": {"custom": similarity}} if similarity else None,
        mappings={"properties": {"text": {"type": "text", **field}}},
    )
    for id_, text in TEXTS.items():
        client.index(index=name, id=id_, document={"text": text})
    client.indices.refresh(index=name)
    found = client.search(index=name, query=query)
    client.indices.delete(index=name)
    return {hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]}


def expected(k1, b):
    """BM25 of `red`, as BM25Similarity.java of Lucene explains it, times k1 + 1."""
    lengths = {id_: len(text.split()) for id_, text in TEXTS.items()}
    mean = sum(lengths.values()) / len(lengths)
    idf = math.log(1 + 0.5 / (len(TEXTS) + 0.5))
    frequencies = {id_: text.split().count("red") for id_, text in TEXTS.items()}
    return {
        id_: (k1 + 1) * idf * count / (count + k1 * (1 - b + b * lengths[id_] / mean))
        for id_, count in frequencies.items()
    }


@pytest.mark.parametrize(
    ("given", "k1", "b"),
    [({}, 1.2, 0.75), ({"k1": 2.0, "b": 0.1}, 2.0, 0.1), ({"k1": 0}, 0.0, 0.75), ({"b": "0.5"}, 1.2, 0.5)],
    ids=["defaults", "both", "frequencies do not count", "a string"],
)
@pytest.mark.parametrize("query", ["match", "match_phrase"])
def test_scores_are_those_of_the_parameters(here, given, k1, b, query):
    found = scores(
        here, "similar", {"type": "BM25", **given}, {"similarity": "custom"}, {query: {"text": "red"}}
    )
    assert found == pytest.approx(expected(k1, b), rel=1e-5)


def test_a_similarity_is_fixed_once_the_index_is_there(here):
    similarity = {"custom": {"type": "BM25", "b": 0.1}}
    here.indices.create(index="fixed", settings={"similarity": similarity})
    assert here.indices.get_settings(index="fixed")["fixed"]["settings"]["index"]["similarity"] == {
        "custom": {"type": "BM25", "b": "0.1"}
    }
    with pytest.raises(BadRequestError, match="non dynamic settings"):
        here.indices.put_settings(index="fixed", settings={"similarity.custom.b": 0.2})
    with pytest.raises(BadRequestError, match=r"Unknown Similarity type \[other\] for field \[a\]"):
        here.indices.put_mapping(index="fixed", properties={"a": {"type": "text", "similarity": "other"}})
    here.indices.delete(index="fixed")


@pytest.mark.parametrize(
    ("similarity", "problem"),
    [
        ({"BM25": {"type": "BM25"}}, r"Cannot redefine built-in Similarity \[BM25\]"),
        ({"custom": {"k1": 1}}, r"Similarity \[custom\] must have an associated type"),
        ({"custom": {"type": "TFIDF"}}, r"Unknown Similarity type \[TFIDF\] for \[custom\]"),
        ({"custom": {"type": "BM25", "z": 2}}, r"Unknown settings for similarity of type \[BM25\]: \[z\]"),
        ({"custom": {"type": "BM25", "k1": -1}}, "illegal k1 value: -1.0"),
        ({"custom": {"type": "BM25", "b": 2}}, "illegal b value: 2.0, must be between 0 and 1"),
        ({"custom": {"type": "BM25", "b": "much"}}, r"Failed to parse value \[much\]"),
        ({"custom": {"type": "DFR"}}, r"the sandbox does not support \[similarity\] with value \[custom\]"),
        ({"default": {"type": "boolean"}}, r"the sandbox does not support the setting"),
    ],
    ids=lambda each: each if isinstance(each, str) else next(iter(each)),
)
def test_what_is_no_bm25_is_refused(here, similarity, problem):
    field = {"type": "text", "similarity": "custom"} if "custom" in similarity else {"type": "text"}
    with pytest.raises(BadRequestError, match=problem):
        here.indices.create(
            index="impossible", settings={"similarity": similarity}, mappings={"properties": {"a": field}}
        )
