"""Documents embedded in passages by a pipeline: all passages of a document, or none of them."""

from __future__ import annotations

import pytest

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.passages import has_embedding, passage_pipeline, passages_field, with_passages
from tasks.elastic.indices.pipelines import FAILURE_FIELD, PipelineFails, embedded_fields, verify_pipeline
from tasks.elastic.search.search import read_hits
from tasks.elastic.specs import embedded_properties
from tasks.elastic.verification.verification import verify_scores

PLOT = passages_field("plot")
LONG = "The keeper of the lighthouse writes letters. " * 5 + "At the end a violin is stolen."


@pytest.fixture
def index(settings, deployed, name):
    """An index with a document of two passages that are embedded, and one of a single one."""
    client = connect(settings)
    client.indices.create(
        index=name, mappings={"properties": embedded_properties((PLOT,), failure=FAILURE_FIELD)}
    )
    pipeline = passage_pipeline(name, deployed, (PLOT,))
    client.ingest.put_pipeline(id=name, processors=list(pipeline.processors))
    for id_, text in {"long": LONG, "short": "A cook opens a small restaurant.", "none": ""}.items():
        body, _ = with_passages({"plot": text}, (PLOT,), 36)
        client.index(index=name, id=id_, document=body, pipeline=name, refresh=True)
    yield name
    client.indices.delete(index=name)
    client.ingest.delete_pipeline(id=name)


def test_a_document_is_found_by_its_best_passage_which_is_shown(settings, deployed, index):
    best = read_hits.fn(settings, index, "theft of a violin", PLOT, deployed).hits[0]
    assert (best.id, best.passage) == ("long", "At the end a violin is stolen.")
    assert best.source.keys() == {"plot"}, "without the passages"


def test_scores_of_passages_are_recomputed(settings, deployed, index):
    report = verify_scores.fn(settings, index, PLOT, deployed)
    assert report.compared
    assert report.largest_difference < 1e-4


def test_a_document_without_a_text_has_no_embedding_and_says_why(settings, index):
    client = connect(settings)
    assert client.count(index=index, query=has_embedding(PLOT))["count"] == 2
    assert "plot_passages" in client.get(index=index, id="none")["_source"][FAILURE_FIELD]


def test_a_failure_takes_back_the_passages_that_were_embedded(settings, deployed):
    (embed,) = (each["foreach"] for each in passage_pipeline("p", deployed, (PLOT,)).processors[2:])
    embed["processor"]["inference"]["input_output"][0]["input_field"] = "_ingest._value.other"
    docs = [{"_source": {"plot_passages": [{"other": "a violin"}, {"text": "no other"}]}}]
    answer = connect(settings).ingest.simulate(docs=docs, pipeline={"processors": [{"foreach": embed}]})
    source = answer["docs"][0]["doc"]["_source"]
    assert source["plot_passages"] == docs[0]["_source"]["plot_passages"]
    assert "[other]" in source[FAILURE_FIELD]


def test_the_pipeline_is_tried_and_read_like_that_of_whole_texts(settings, deployed):
    spec = passage_pipeline("sample", deployed, (PLOT,))
    assert [field.output for field in embedded_fields(spec.processors)] == [PLOT.output]
    body, count = with_passages({"plot": LONG, "_id": "1"}, (PLOT,), 36)
    (done,) = verify_pipeline.fn(settings, spec, [body])
    assert count == len(done["plot_passages"]) == 2
    assert all(part["embedding"] for part in done["plot_passages"])
    with pytest.raises(PipelineFails, match="plot_passages"):
        verify_pipeline.fn(settings, spec, [{"plot": " "}])


def test_what_a_model_reads_in_front_of_a_passage_is_not_stored(settings, deployed):
    spec = passage_pipeline("prefixed", deployed, (PLOT,), prefix="passage: ")
    body, _ = with_passages({"plot": LONG}, (PLOT,), 36)
    (done,) = verify_pipeline.fn(settings, spec, [body])
    (bare,) = verify_pipeline.fn(settings, passage_pipeline("bare", deployed, (PLOT,)), [body])
    passages = done["plot_passages"]
    assert [part["text"] for part in passages] == [part["text"] for part in body["plot_passages"]]
    assert {name for part in passages for name in part} == {"text", "embedding", "model_id"}
    assert passages[0]["embedding"] != bare["plot_passages"][0]["embedding"]
