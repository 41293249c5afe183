"""Inference endpoints over the official client: made, asked, updated, deleted; and those that are there from the start."""

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError

from tests.client import client_of
from tests.polling import until
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow

ELSER_SETTINGS = {"model_id": ".elser_model_2", "num_threads": 1, "num_allocations": 1}
E5_SETTINGS = {
    "model_id": ".multilingual-e5-small",
    "num_threads": 1,
    "adaptive_allocations": {"enabled": True, "min_number_of_allocations": 0, "max_number_of_allocations": 4},
}
CHUNKING = {"strategy": "sentence", "max_chunk_size": 250, "sentence_overlap": 1}


def reason(error):
    return error.value.body["error"]["reason"]


def make(client, name="my-elser", task_type="sparse_embedding", settings=None, **given):
    config = {"service": "elasticsearch", "service_settings": settings or ELSER_SETTINGS, **given}
    return client.inference.put(inference_id=name, task_type=task_type, inference_config=config)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    from sandbox import process
    from sandbox.elastic.options import ElasticOptions

    options = ElasticOptions(download_seconds=0.02, start_seconds=0.02, refresh_seconds=0.05)
    sandbox = process.start(tmp_path_factory.mktemp("inference"), options)
    client = client_of(sandbox.environment)
    yield client
    client.close()
    sandbox.stop()


def test_an_endpoint_downloads_and_deploys_its_model_and_answers_weights(quick):
    made = make(quick, "sparse", settings={**ELSER_SETTINGS, "num_allocations": 2})
    settings = {"num_allocations": 2, "num_threads": 1, "model_id": ".elser_model_2"}
    assert made.body == {
        "inference_id": "sparse",
        "task_type": "sparse_embedding",
        "service": "elasticsearch",
        "service_settings": settings,
        "chunking_settings": CHUNKING,
    }
    (stats,) = quick.ml.get_trained_models_stats(model_id="sparse")["trained_model_stats"]
    assert stats["deployment_stats"]["allocation_status"]["allocation_count"] == 2
    found = quick.inference.sparse_embedding(inference_id="sparse", input=["a dog", "a river " * 600])
    assert [next(iter(each["embedding"])) for each in found["sparse_embedding"]] == ["dog", "river"]
    assert [each["is_truncated"] for each in found["sparse_embedding"]] == [False, True]


@runs_here
def test_a_dense_endpoint_puts_queries_and_passages_apart(quick):
    make(quick, "dense", "text_embedding", E5_SETTINGS)
    ask = quick.inference.text_embedding
    passage = ask(inference_id="dense", input="a dog")["text_embedding"][0]["embedding"]
    query = ask(inference_id="dense", input="a dog", input_type="search")["text_embedding"][0]["embedding"]
    assert (len(passage), len(query)) == (384, 384)
    assert passage != query
    with pytest.raises(BadRequestError, match=r"Requested task type \[sparse_embedding\] does not match"):
        quick.inference.sparse_embedding(inference_id="dense", input="a dog")


def test_a_default_endpoint_is_listed_and_deployed_at_its_first_use(quick):
    listed = quick.inference.get(inference_id="*")["endpoints"]
    assert {".elser-2-elasticsearch", ".multilingual-e5-small-elasticsearch"} <= {
        each["inference_id"] for each in listed
    }
    with pytest.raises(NotFoundError):
        quick.ml.get_trained_models_stats(model_id=".elser-2-elasticsearch")
    found = quick.inference.inference(inference_id=".elser-2-elasticsearch", input="a dog")
    assert "dog" in found["sparse_embedding"][0]["embedding"]
    with pytest.raises(BadRequestError, match="reserved inference endpoint"):
        quick.inference.delete(inference_id=".elser-2-elasticsearch")
    assert quick.inference.delete(inference_id=".elser-2-elasticsearch", force=True)["acknowledged"]
    assert quick.inference.get(inference_id=".elser-2-elasticsearch")["endpoints"]
    with pytest.raises(NotFoundError):  # only its deployment went
        quick.ml.get_trained_models_stats(model_id=".elser-2-elasticsearch")


def test_an_endpoint_that_a_pipeline_names_is_kept_unless_forced(quick):
    make(quick, "used")
    fields = {"input_field": "plot", "output_field": "tokens"}
    processor = {"inference": {"model_id": "used", "input_output": fields}}
    quick.ingest.put_pipeline(id="uses-it", processors=[processor])
    quick.index(index="films", id="1", document={"plot": "a dog"}, pipeline="uses-it", refresh=True)
    assert "dog" in quick.get(index="films", id="1")["_source"]["tokens"]
    dry = quick.inference.delete(inference_id="used", dry_run=True)
    assert (dry["acknowledged"], dry["pipelines"], dry["indexes"]) == (False, ["uses-it"], [])
    with pytest.raises(
        ConflictError, match=r"Inference endpoint used is referenced by pipelines: \[uses-it\]\."
    ):
        quick.inference.delete(inference_id="used")
    assert quick.inference.delete(inference_id="used", force=True)["acknowledged"]
    with pytest.raises(NotFoundError, match=r"Inference endpoint not found \[used\]"):
        quick.inference.get(inference_id="used")
    with pytest.raises(NotFoundError):  # its deployment went along
        quick.ml.get_trained_models_stats(model_id="used")


def test_allocations_of_an_endpoint_are_updated_in_place(quick):
    make(quick, "growing")
    new = {"service_settings": {"num_allocations": 3}}
    quick.inference.update(inference_id="growing", inference_config=new)
    (shown,) = quick.inference.get(inference_id="growing")["endpoints"]
    assert shown["service_settings"]["num_allocations"] == 3


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({"num_threads": 1, "num_allocations": 1}, {}, "does not contain the required setting [model_id]"),
        ({"model_id": ".elser_model_2", "num_allocations": 1}, {}, "required setting [num_threads]"),
        ({"model_id": ".elser_model_2", "num_threads": 1}, {}, "[num_allocations, adaptive_allocations]"),
        (
            {**ELSER_SETTINGS, "cache": "1gb"},
            {},
            "settings [{cache=1gb}] unknown to the [elasticsearch] service",
        ),
        ({**ELSER_SETTINGS, "model_id": ".rerank-v1"}, {}, "answers [rerank], not [sparse"),
        (
            {**ELSER_SETTINGS, "model_id": ".multilingual-e5-small"},
            {},
            "answers [text_embedding], not [sparse",
        ),
        ({**ELSER_SETTINGS, "model_id": "mine"}, {}, "No known trained model with model_id [mine]"),
        (None, {"service": "cohere"}, "[elser] and [openai] only: [cohere]"),
        (None, {"service": "cloud9"}, "Unknown service [cloud9]"),
        (None, {"chunking_settings": {**CHUNKING, "max_chunk_size": 10}}, "greater than or equal to [20.0]"),
        (None, {"chunking_settings": {"strategy": "recursive"}}, "the required setting [max_chunk_size]"),
    ],
)
def test_what_is_no_endpoint_is_refused_and_nothing_is_left(quick, settings, given, expected):
    with pytest.raises(ApiError) as error:
        make(quick, "refused", settings=settings, **given)
    assert expected in reason(error)
    with pytest.raises(NotFoundError):
        quick.inference.get(inference_id="refused")


def test_an_id_is_taken_once(quick):
    make(quick, "once")
    with pytest.raises(BadRequestError, match=r"\[once\] already exists"):
        make(quick, "once")
    with pytest.raises(BadRequestError, match="matches existing trained model"):
        make(quick, "elser", settings={**ELSER_SETTINGS, "deployment_id": "once"}) and make(
            quick, "lang_ident_model_1"
        )


def test_an_endpoint_that_takes_too_long_goes_on_and_survives_a_kill(elastic_server):
    elastic = elastic_server(download_seconds=3, start_seconds=0.05)
    with pytest.raises(ApiError) as error:
        elastic.client.inference.put(
            inference_id="slow",
            task_type="sparse_embedding",
            timeout="100ms",
            inference_config={"service": "elasticsearch", "service_settings": ELSER_SETTINGS},
        )
    assert error.value.status_code == 408
    until(lambda: answers(elastic.client), "an answer")
    elastic.sandbox.kill()
    again = elastic_server(download_seconds=3, start_seconds=0.05)
    until(lambda: answers(again.client), "an answer")


def answers(client):
    try:
        return client.inference.inference(inference_id="slow", input="a dog")["sparse_embedding"]
    except (NotFoundError, ConflictError):  # not deployed yet, or starting
        return None


def test_before_they_were_there_they_are_not(elastic_server):
    client = elastic_server(version="8.13").client
    assert client.inference.get()["endpoints"] == []
