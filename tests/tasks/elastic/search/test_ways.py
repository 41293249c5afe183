"""The ways to search an embedded index, as Elasticsearch spells them. Without a server."""

from __future__ import annotations

import pytest

from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.search.ways import body
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput


def asked(kind, how, size=10):
    output = "plot" if kind == "semantic-text" else "plot_embedding"
    field = EmbeddedField(input="plot", output=output)
    embedded = Embedded(
        index="films-1",
        source="movies",
        pipeline="",
        deployment="d",
        search_deployment="e",
        fields=(field,),
        query=None,
        kind=kind,
    )
    return body("dogs", embedded, field, how, size)


def test_words_are_searched_beside_the_meaning():
    assert asked("sparse-vector", "bm25") == {"query": {"match": {"plot": "dogs"}}}
    assert asked("semantic-text", "bm25") == {"query": {"match": {"plot.text": "dogs"}}}


@pytest.mark.parametrize(
    ("kind", "meaning"), [("sparse-vector", "sparse_vector"), ("semantic-text", "semantic")]
)
def test_hybrid_fuses_the_ranks_of_both_over_a_window_of_all_hits(kind, meaning):
    rrf = asked(kind, "hybrid", 500)["retriever"]["rrf"]
    assert [next(iter(each["standard"]["query"])) for each in rrf["retrievers"]] == ["match", meaning]
    assert rrf["rank_window_size"] == 500


@pytest.mark.parametrize(("size", "candidates"), [(10, 100), (50, 500), (5_000, 10_000)])
def test_near_vectors_are_chosen_from_several_candidates_for_each_hit(size, candidates):
    knn = asked("semantic-text", "dense", size)["knn"]
    assert (knn["k"], knn["num_candidates"]) == (size, candidates)


def test_a_way_that_the_index_does_not_have_names_those_that_it_has():
    with pytest.raises(InvalidInput, match=r"'dense' \(from --how\)\. Accepted: sparse, bm25, hybrid"):
        asked("sparse-vector", "dense")
