"""A new embedding compared with an old one, both in the stand-in."""

import json

import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.connection.clients import connect
from tasks.elastic.specs import EmbeddedField
from tasks.elastic.verification.agreement import Previous, verify_agreement
from tasks.errors import GateNotMet

PLOT = EmbeddedField(input="plot", output="plot_embedding")
PLOTS = {
    "cat": "A cat travels around the world.",
    "heist": "Thieves plan to rob a bank in Paris.",
    "robot": "A robot learns to love a gardener.",
    "trial": "A lawyer defends an innocent man in court.",
}


@pytest.fixture
def indices(settings, deployed, name):
    """An old index with `ml.tokens` as ELSER 1 wrote them, and a new one: `indices(spoiled={"cat"})` gives both names."""
    client, made = connect(settings), []

    def make(*, spoiled=(), written=lambda plot: plot):
        found = client.ml.infer_trained_model(
            model_id=deployed, docs=[{"text_field": plot} for plot in PLOTS.values()]
        )["inference_results"]
        tokens = {id_: one["predicted_value"] for id_, one in zip(PLOTS, found, strict=True)}
        shapes = (
            ("old", {"ml.tokens": {"type": "rank_features"}}),
            ("new", {PLOT.output: {"type": "sparse_vector"}}),
        )
        for which, properties in shapes:
            index = f"{name}-{which}"
            client.indices.create(index=index, mappings={"properties": properties})
            made.append(index)
            rows = [
                {"_index": index, "_id": id_, "plot": written(plot)}
                | (
                    {"ml": {"tokens": tokens[id_]}}
                    if which == "old"
                    else {PLOT.output: {"zebra": 1.0} if id_ in spoiled else tokens[id_]}
                )
                for id_, plot in PLOTS.items()
            ]
            bulk(client, rows, refresh=True)
        return made

    yield make
    for index in made:
        client.indices.delete(index=index)


@pytest.fixture
def compared(settings, deployed):
    def of(old, new, **options):
        previous = Previous(
            index=old, text="plot", field="ml.tokens", model_id=deployed, type="rank_features"
        )
        return verify_agreement.fn(settings, new, PLOT, deployed, previous, **{"least": 0.3, **options})

    return of


def test_the_same_embeddings_agree(indices, compared, changes):
    both = indices()
    made = changes()
    found = compared(*both)
    assert (found.queries, found.found_before, found.found, found.shared) == (4, 4, 4, 1.0)
    assert changes() == made


def test_documents_whose_texts_are_in_lists_are_asked_for_too(indices, compared):
    assert compared(*indices(written=lambda plot: [plot, "more"])).queries == 4


def test_a_document_that_its_own_text_no_longer_finds_stops_the_upgrade(indices, compared):
    with pytest.raises(
        GateNotMet, match=r"finds what it should is 3, required: at least 4.*A cat travels"
    ) as refused:
        compared(*indices(spoiled={"cat"}))
    assert refused.value.facts["agreement"]["found_before"] == 4


def test_queries_of_a_file_are_asked_of_both_and_too_little_in_common_stops_the_upgrade(
    indices, compared, tmp_path
):
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"query": "a robot in a garden", "expected": ["robot"], "within": 1}))
    both = indices(spoiled=PLOTS.keys() - {"robot"})
    assert compared(*both, queries=queries).shared == 1.0
    queries.write_text(json.dumps({"query": "a robot robs a bank", "expected": ["robot"]}))
    with pytest.raises(GateNotMet, match=r"at least 1\.00.*--least-shared"):
        compared(*both, queries=queries, least=1.0)


def test_a_dense_embedding_is_asked_by_its_vectors():
    previous = Previous(index="old", text="plot", field="plot_vector", model_id="minilm", type="dense_vector")
    assert previous.query("a cat", 10) == {
        "knn": {
            "field": "plot_vector",
            "query_vector_builder": {"text_embedding": {"model_id": "minilm", "model_text": "a cat"}},
            "k": 10,
            "num_candidates": 100,
        }
    }
