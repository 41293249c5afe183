"""Dense vectors are compared with those of the model that answers now; another model's, or another prefix, are noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elasticsearch.helpers import bulk

from tasks.elastic.cluster import vectors
from tasks.elastic.cluster.vectors import read_vector_model, read_vectors, takes_purpose
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.dense_vectors import VectorIndex
from tasks.elastic.indices.embeddings import Embedded, embedded_field
from tasks.elastic.indices.passages import passages_field
from tasks.elastic.specs import embedded_properties
from tasks.elastic.verification.vectors import verify_vectors
from tasks.elastic.verification.verification import verify_queries
from tasks.errors import GateNotMet, InvalidInput
from tests.sandbox.models.test_e5 import runs_here

E5 = ".multilingual-e5-small-elasticsearch"
TEXTS = ("A thief steals secrets from dreams.", "A shark hunts swimmers.", "Two friends cross a desert.")
pytestmark = [runs_here, pytest.mark.usefixtures("e5")]


@pytest.fixture
def stored(settings, name):
    """An index of vectors as a pipeline would have filled it, by what of a text was embedded."""
    client = connect(settings)

    def of(field, embedded_text=lambda text: text):
        model = read_vector_model.fn(settings, E5)
        made = read_vectors.fn(settings, model, [embedded_text(text) for text in TEXTS], "ingest")
        mapping = embedded_properties((field,), failure="why", embedding=VectorIndex().mapping(384))
        client.indices.create(index=name, mappings={"properties": mapping})
        documents = (
            {field.output: vector} if field.passages is None else {field.passages: [{"text": text, "embedding": vector}]}
            for text, vector in zip(TEXTS, made, strict=True)
        )  # fmt: skip
        rows = zip(TEXTS, documents, strict=True)
        bulk(client, ({"_index": name, "_id": text[2:5], "plot": text, **more} for text, more in rows), refresh=True)  # fmt: skip
        return Embedded(
            index=name, source="", query=None, pipeline="", deployment=E5, search_deployment=E5, fields=(field,), kind="dense-vector",
        )  # fmt: skip

    yield of
    client.indices.delete(index=name)


@pytest.mark.parametrize("field", [embedded_field("plot"), passages_field("plot")], ids=["whole", "passages"])
def test_stored_vectors_are_those_of_their_texts_and_find_them(settings, stored, name, field, tmp_path):
    embedded = stored(field)
    found = verify_vectors.fn(settings, name, embedded, field)
    assert (found.compared, found.found) == (3, 3)
    assert found.least_cosine > 0.999
    (tmp_path / "queries").write_text('{"query": "a dangerous fish", "expected": ["sha"], "within": 1}\n')
    asked = verify_queries.fn(settings, name, field, E5, tmp_path / "queries", kind="knn")
    assert asked.found == 1


def test_vectors_of_something_else_than_the_text_are_noticed(settings, stored, name):
    field = embedded_field("plot")
    embedded = stored(field, lambda text: text[::-1])
    with pytest.raises(
        GateNotMet, match=r"cosine between the vector of document .* embedded again.*at least 0.98"
    ):
        verify_vectors.fn(settings, name, embedded, field)


def test_a_prefix_that_the_pipeline_wrote_is_written_again_for_the_comparison(settings, stored, name):
    field = embedded_field("plot")
    embedded = replace(stored(field, lambda text: f"in short: {text}"), document_prefix="in short: ")
    assert verify_vectors.fn(settings, name, embedded, field).least_cosine > 0.999


def test_a_model_of_tokens_is_refused(settings, deployed):
    with pytest.raises(
        InvalidInput, match=r"answers text_expansion.*ingest \(.elser_model_2\).*sparse-vector"
    ):
        read_vector_model.fn(settings, deployed)
    with pytest.raises(InvalidInput, match="no inference endpoint and no deployment of this id: 'gone'"):
        read_vector_model.fn(settings, "gone")


def test_the_purpose_of_a_text_chooses_the_prefix_of_the_model(settings):
    model = read_vector_model.fn(settings, E5)
    assert model.prefixes == {"ingest": "passage: ", "search": "query: "}
    assert not model.wants_prefixes
    assert replace(model, prefixes={}).wants_prefixes
    as_document, as_query = (
        read_vectors.fn(settings, model, ["sharks"], purpose)[0] for purpose in ("ingest", "search")
    )
    assert as_document != as_query


@pytest.mark.parametrize("purpose", ["ingest", "search"])
def test_a_release_that_cannot_be_told_what_texts_are_gives_the_same_vectors(settings, monkeypatch, purpose):
    model = read_vector_model.fn(settings, E5)
    told = read_vectors.fn(settings, model, ["sharks"], purpose)
    monkeypatch.setattr(vectors, "read_release", lambda _: (8, 18))
    monkeypatch.setattr(vectors, "_by_endpoint", None)  # what such a release refuses
    assert read_vectors.fn(settings, model, ["sharks"], purpose) == [pytest.approx(told[0], abs=1e-4)]


@pytest.mark.parametrize(
    ("release", "taken"), [((8, 15), False), ((8, 18), False), ((8, 19), True), ((9, 0), False), ((9, 1), True), ((1000, 0), True)]
)  # fmt: skip
def test_inference_is_told_what_texts_are_since_8_19_and_9_1(release, taken):
    assert takes_purpose(release) is taken
