"""Models that somebody uploads, as eland does: in parts, with a vocabulary."""

import base64

import pytest
from elasticsearch import BadRequestError

INPUT = {"field_names": ["text_field"]}


def reason(error):
    return error.value.body["error"]["reason"]


def test_parts_and_a_vocabulary_that_cannot_be_are_refused(shared):
    ml = shared.client.ml
    scores = {"text_embedding": {"tokenization": {"xlm_roberta": {}}}}
    ml.put_trained_model(model_id="odd", input=INPUT, model_type="pytorch", inference_config=scores)

    def part(number, text="abc", *, total=2, length=6):
        definition = base64.b64encode(text.encode()).decode()
        ml.put_trained_model_definition_part(
            model_id="odd",
            part=number,
            definition=definition,
            total_definition_length=length,
            total_parts=total,
        )

    for wrong, why in (
        (lambda: part(2), "less than total_parts"),
        (lambda: part(0, ""), "must not be empty"),
        (lambda: part(0, total=10_001), "less than or equal to 10000"),
        (lambda: part(0, length=0), "greater than 0"),
        (lambda: ml.put_trained_model_vocabulary(model_id="odd", vocabulary=[]), "must not be empty"),
        (
            lambda: ml.put_trained_model_vocabulary(model_id="odd", vocabulary=["a"]),
            "[xlm_roberta] requires [scores]",
        ),
        (
            lambda: ml.put_trained_model_vocabulary(model_id="odd", vocabulary=["a"], scores=[1.0, 2.0]),
            "same length",
        ),
    ):
        with pytest.raises(BadRequestError) as error:
            wrong()
        assert why in reason(error)
    with pytest.raises(BadRequestError, match=r"unknown field \[dream\]"):
        ml.put_trained_model(model_id="x", input=INPUT, model_type="pytorch", inference_config={"dream": {}})
    ml.delete_trained_model(model_id="odd")


@pytest.mark.parametrize(
    ("task", "config", "length", "refusal"),
    [
        ("text_expansion", {}, 6, ""),
        ("text_expansion", {}, 7, "Model definition truncated"),
        ("text_embedding", {"embedding_size": 768}, 6, "with [embedding_size] 768"),
        (
            "fill_mask",
            {},
            6,
            "cannot run the model [mine] of task [fill_mask]; it runs: text_expansion, text_embedding",
        ),
        ("ner", {}, 6, "of task [ner]"),
        ("pass_through", {}, 6, "of task [pass_through]"),
    ],
)
def test_what_an_uploaded_model_cannot_do_is_said_when_it_is_started(shared, task, config, length, refusal):
    ml = shared.client.ml
    bert = {task: {"tokenization": {"bert": {}}, **config}}
    ml.put_trained_model(model_id="mine", input=INPUT, model_type="pytorch", inference_config=bert)
    ml.put_trained_model_definition_part(
        model_id="mine", part=0, definition="YWJjZGVm", total_definition_length=length, total_parts=1
    )
    ml.put_trained_model_vocabulary(model_id="mine", vocabulary=["a", "b"])
    try:
        if not refusal:
            ml.start_trained_model_deployment(model_id="mine", wait_for="started")
            assert ml.infer_trained_model(model_id="mine", docs=[{"text_field": "a film"}])[
                "inference_results"
            ]
            return
        with pytest.raises(BadRequestError) as error:
            ml.start_trained_model_deployment(model_id="mine")
        assert refusal in reason(error)
    finally:
        ml.delete_trained_model(model_id="mine", force=True)
