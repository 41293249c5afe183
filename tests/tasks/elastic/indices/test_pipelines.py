import copy
import logging

import pytest

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.indices import ensure_index, remove_index
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    PipelineFails,
    PipelineInUse,
    embedded_fields,
    ensure_pipeline,
    inference_pipeline,
    lowercase_pipeline,
    read_pipeline,
    remove_pipeline,
    value_at,
    verify_pipeline,
)
from tasks.elastic.specs import EmbeddedField, IndexSpec, embedded_properties, text_field
from tasks.errors import NotOurs

PLOT = EmbeddedField(input="plot", output="plot_embedding")
TITLE = EmbeddedField(input="title", output="title_embedding")


def test_what_a_model_reads_in_front_of_a_text_is_put_there_and_left_out_of_the_document(settings, deployed):
    pipeline = inference_pipeline("prefixed", deployed, (PLOT,), prefix="costs $5\\: ")
    assert embedded_fields(pipeline.processors) == (PLOT,)
    bare = inference_pipeline("bare", deployed, (PLOT,))
    text = "A thief steals secrets."
    (with_it,) = verify_pipeline.fn(settings, pipeline, [{"plot": text}])
    (typed,) = verify_pipeline.fn(settings, bare, [{"plot": f"costs $5\\: {text}"}])
    assert with_it["plot"] == text
    assert set(with_it) == {"plot", "plot_embedding"}
    assert with_it["plot_embedding"] == typed["plot_embedding"]


def test_a_document_without_the_text_says_so_also_with_a_prefix(settings, deployed):
    pipeline = inference_pipeline("prefixed", deployed, (PLOT,), prefix="passage: ")
    with pytest.raises(PipelineFails, match=r"field \[plot\] not present as part of path \[plot\]"):
        verify_pipeline.fn(settings, pipeline, [{"title": "Jaws"}])


@pytest.mark.parametrize(
    ("inference", "fields"),
    [
        (
            {
                "input_output": [
                    {"input_field": "plot", "output_field": "e"},
                    {"input_field": "t", "output_field": "f"},
                ]
            },
            [("plot", "e"), ("t", "f")],
        ),
        ({"input_output": {"input_field": "plot", "output_field": "e"}}, [("plot", "e")]),
        (
            {
                "target_field": "ml",
                "field_map": {"text": "text_field"},
                "inference_config": {"text_expansion": {"results_field": "tokens"}},
            },
            [("text", "ml.tokens")],
        ),
        (
            {"target_field": "sentiment", "field_map": {"Sentence": "text_field"}},
            [("Sentence", "sentiment.predicted_value")],
        ),
        ({"tag": "t1"}, [("text_field", "ml.inference.t1.predicted_value")]),
        ({}, [("text_field", "ml.inference.predicted_value")]),
    ],
    ids=[
        "several fields",
        "a single object",
        "the older form",
        "the ELSER notebook's sentiment1",
        "a tag",
        "defaults",
    ],
)
def test_what_a_pipeline_embeds_is_read_in_every_form(inference, fields):
    found = embedded_fields([{"set": {"field": "a", "value": 1}}, {"inference": inference}])
    assert [(f.input, f.output) for f in found] == fields


def test_our_own_pipeline_embeds_what_it_was_made_for():
    fields = (PLOT, EmbeddedField(input="title", output="ml.title"))
    assert embedded_fields(inference_pipeline("ours", "model", fields).processors) == fields


def test_a_dotted_path_is_followed():
    assert value_at({"a": {"b": 1}}, "a.b") == 1
    assert value_at({"a": 1}, "a.b") is None


def test_mappings_of_nested_fields_stand_inside_each_other():
    fields = (EmbeddedField(input="about.plot", output="ml.tokens"),)
    properties = embedded_properties(fields, failure=FAILURE_FIELD)
    assert properties["ml"]["properties"]["tokens"] == {"type": "sparse_vector"}
    assert properties["about"]["properties"]["plot"]["type"] == "text"


def test_a_semantic_text_field_that_is_embedded_becomes_text_and_another_stays():
    semantic = {"type": "semantic_text", "inference_id": "e5"}
    source = {"about": {"properties": {"plot": semantic}}, "notes": semantic}
    fields = (EmbeddedField(input="about.plot", output="plot_tokens"),)
    properties = embedded_properties(fields, failure=FAILURE_FIELD, source=source)
    assert properties["about"]["properties"]["plot"] == text_field()
    assert properties["notes"] == semantic


def test_a_mapping_is_that_of_the_source_with_the_embeddings_in_place_of_what_it_has_there():
    fields = (
        EmbeddedField(input="plot", output="ml.tokens"),
        EmbeddedField(input="title", output="title_tokens"),
    )
    source = {
        "plot": {"type": "keyword"},
        "ml": {"properties": {"n": {"type": "long"}, "tokens": {"properties": {"cat": {"type": "float"}}}}},
        "released": {"type": "keyword"},
    }
    before = copy.deepcopy(source)
    properties = embedded_properties(fields, failure=FAILURE_FIELD, source=source)
    assert source == before
    assert properties == {
        "plot": {"type": "keyword"},
        "ml": {"properties": {"n": {"type": "long"}, "tokens": {"type": "sparse_vector"}}},
        "released": {"type": "keyword"},
        "title": text_field(),
        "title_tokens": {"type": "sparse_vector"},
        FAILURE_FIELD: {"type": "keyword", "ignore_above": 8191},
    }


def test_a_sample_comes_out_with_its_embeddings(settings, deployed):
    spec = inference_pipeline("sample", deployed, (PLOT, TITLE))
    (out,) = verify_pipeline.fn(settings, spec, [{"_id": "1", "plot": "two detectives", "title": "Se7en"}])
    assert out["plot_embedding"]
    assert out["title_embedding"]
    assert FAILURE_FIELD not in out


def test_a_document_keeps_its_own_fields_and_gets_one_embedding_in_place_of_what_it_had(settings, deployed):
    fields = (PLOT, EmbeddedField(input="title", output="ml.title"))
    texts = {"plot": "a dog " * 600, "title": "a cat"}  # the first of them is cut
    own = {"model_id": 120, "is_truncated": "no", "ml": {"model_id": "XK-120", "n": 1}}
    there = {"plot_embedding": {"[unused1]": 9.0}, FAILURE_FIELD: "the queue was full"}
    spec = inference_pipeline("own", deployed, fields)
    fresh, out = verify_pipeline.fn(settings, spec, [texts, {**texts, **own, **there}])
    assert set(fresh) == {"plot", "title", "plot_embedding", "ml"}
    assert out["plot_embedding"] == fresh["plot_embedding"]
    assert out["ml"] == {**own["ml"], "title": fresh["ml"]["title"]}
    assert set(out) - set(fresh) == {"model_id", "is_truncated"}
    assert (out["model_id"], out["is_truncated"]) == (120, "no")


def test_a_wrong_field_fails_on_the_sample_and_names_the_fields_that_there_are(settings, deployed):
    spec = inference_pipeline("sample", deployed, (EmbeddedField(input="plott", output="e"),))
    with pytest.raises(PipelineFails, match=r"plott.* Its fields are plot, title\. Nothing was created"):
        verify_pipeline.fn(settings, spec, [{"plot": "p", "title": "t"}])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            {"doc.text": "a dog"},
            r"doc.text is written with dots in its name.*--as semantic-text.*with objects",
        ),
        ({"doc": [{"text": "a dog"}, {"text": "a cat"}]}, r"doc holds a list of objects.*Split the document"),
        ({"doc": {"text": ["a dog", "a cat"]}}, r"doc.text holds a list, .*Split the document"),
    ],
    ids=["flat key", "passages", "list"],
)
def test_a_text_that_a_pipeline_does_not_find_is_refused_with_what_to_do(
    settings, deployed, document, problem
):
    field = EmbeddedField(input="doc.text", output="doc_embedding")
    with pytest.raises(PipelineFails, match=problem):
        verify_pipeline.fn(settings, inference_pipeline("sample", deployed, (field,)), [document])


LIST = {"_id": "several", "plot": ["two detectives", "a dog"]}


def test_a_list_in_the_sample_is_told_in_plain_words_and_stops_nothing_while_another_document_passes(
    settings, deployed, caplog
):
    spec = inference_pipeline("sample", deployed, (PLOT,))
    caplog.set_level(logging.INFO, "vector_search_ops")
    (out,) = verify_pipeline.fn(settings, spec, [LIST, {"_id": "1", "plot": "two detectives"}])
    assert out["plot_embedding"]
    assert (
        "document several will have no embedding: plot holds a list, and the model takes one string"
        in caplog.text
    )
    with pytest.raises(
        PipelineFails, match=r"'several': plot holds a list.*Split the document.*or join the texts"
    ):
        verify_pipeline.fn(settings, spec, [LIST, LIST])


def test_a_lowercase_pipeline_lowers_where_there_is_a_field(settings):
    spec = lowercase_pipeline("lower", "title")
    assert verify_pipeline.fn(settings, spec, [{"title": "SE7EN"}, {"plot": "P"}]) == (
        {"title": "se7en"},
        {"plot": "P"},
    )


def test_a_pipeline_is_made_once_and_replaced_only_while_nobody_rests_on_it(
    settings, deployed, name, changes
):
    spec, other = (inference_pipeline(name, deployed, fields) for fields in ((PLOT,), (TITLE,)))
    assert ensure_pipeline.fn(settings, spec).changed
    made = changes()
    assert not ensure_pipeline.fn(settings, spec).changed
    assert changes() == made
    assert ensure_pipeline.fn(settings, other).changed
    assert ensure_pipeline.fn(settings, spec).changed
    index = IndexSpec(
        name=f"{name}-films", properties={"plot": {"type": "text"}}, replicas=0, made_from={"pipeline": name}
    )
    ensure_index.fn(settings, index)
    with pytest.raises(PipelineInUse, match=f"index {name}-films"):
        ensure_pipeline.fn(settings, other)
    assert read_pipeline.fn(settings, name).fields == (PLOT,)
    assert remove_pipeline.fn(settings, name)  # what is embedded outlives it
    remove_index.fn(settings, index.name)


def test_a_default_pipeline_is_neither_replaced_nor_removed(settings, name):
    spec = lowercase_pipeline(name, "title")
    ensure_pipeline.fn(settings, spec)
    index = IndexSpec(name=f"{name}-index", replicas=0, default_pipeline=name)
    ensure_index.fn(settings, index)
    with pytest.raises(PipelineInUse):
        ensure_pipeline.fn(settings, lowercase_pipeline(name, "plot"))
    with pytest.raises(PipelineInUse):
        remove_pipeline.fn(settings, name)
    remove_index.fn(settings, index.name)
    assert remove_pipeline.fn(settings, name)
    assert not remove_pipeline.fn(settings, name)


def test_a_pipeline_that_another_one_calls_is_in_use(settings, name):
    ensure_pipeline.fn(settings, lowercase_pipeline(name, "title"))
    outer = f"{name}-outer"
    connect(settings).ingest.put_pipeline(id=outer, processors=[{"pipeline": {"name": name}}])
    assert read_pipeline.fn(settings, name).users == (f"pipeline {outer}",)
    connect(settings).ingest.delete_pipeline(id=outer)
    remove_pipeline.fn(settings, name)


def test_a_strangers_pipeline_is_used_when_it_does_the_same_and_never_touched(settings, name, changes):
    spec = lowercase_pipeline(name, "title")
    connect(settings).ingest.put_pipeline(id=name, processors=list(spec.processors))
    made = changes()
    assert not ensure_pipeline.fn(settings, spec).changed
    with pytest.raises(NotOurs):
        ensure_pipeline.fn(settings, lowercase_pipeline(name, "plot"))
    with pytest.raises(NotOurs):
        remove_pipeline.fn(settings, name)
    assert changes() == made
    connect(settings).ingest.delete_pipeline(id=name)
