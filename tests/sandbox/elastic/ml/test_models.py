"""Trained models over the official client: download, parts, aliases, what is refused."""

import base64
import contextlib
import threading
import time

import pytest
from elasticsearch import (
    ApiError,
    AuthorizationException,
    BadRequestError,
    ConflictError,
    NotFoundError,
    TransportError,
)

from tests.polling import until

pytestmark = pytest.mark.slow

ELSER = ".elser_model_2"
INPUT = {"field_names": ["text_field"]}
UPLOADED = {
    "model_type": "pytorch",
    "inference_config": {"text_expansion": {"tokenization": {"bert": {}}}},
}


def reason(error):
    return error.value.body["error"]["reason"]


def kind(error):
    return error.value.body["error"]["type"]


def is_defined(client, model=ELSER):
    found = client.ml.get_trained_models(model_id=model, include="definition_status")
    return found["trained_model_configs"][0]["fully_defined"]


def imports(client):
    found = client.tasks.list(actions="xpack/ml/model_import[n]", detailed=True)
    return [task for node in found["nodes"].values() for task in node["tasks"].values()]


def test_a_packaged_model_exists_at_once_and_is_defined_when_downloaded(elastic_server):
    client = elastic_server(download_seconds=3).client
    config = client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    assert config["model_size_bytes"] == 0
    assert config["model_package"]["size"] == 438123914
    assert config["location"] == {"index": {"name": ".ml-inference-native-000002"}}
    assert not is_defined(client)
    status = imports(client)[0]["status"]
    assert status["total_parts"] == 418
    until(lambda: is_defined(client))
    assert imports(client) == []
    found = client.ml.get_trained_models(model_id=ELSER)["trained_model_configs"][0]
    assert found["model_size_bytes"] == 438123914
    assert "fully_defined" not in found


def test_putting_a_packaged_model_again_returns_at_once_and_changes_nothing(elastic_server):
    client = elastic_server().client
    first = client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    assert client.ml.put_trained_model(model_id=ELSER, input=INPUT) == first
    assert (
        client.ml.put_trained_model(model_id=ELSER, input=INPUT, wait_for_completion=True)["model_size_bytes"]
        > 0
    )


def test_a_stalled_download_has_no_task_and_resumes_when_the_model_is_put_again(elastic_server):
    client = elastic_server(download_stalls=100, download_seconds=2).client
    client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    until(lambda: not imports(client))
    assert not is_defined(client)
    with pytest.raises(BadRequestError) as error:
        client.ml.start_trained_model_deployment(model_id=ELSER)
    assert "Model definition truncated" in reason(error)
    client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    assert imports(client)[0]["status"]["downloaded_parts"] >= 100
    until(lambda: is_defined(client))


def test_a_download_is_lost_with_the_server_and_resumed_by_another_put(elastic_server):
    first = elastic_server(download_seconds=60)
    first.client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    first.sandbox.kill()
    client = elastic_server().client
    assert not is_defined(client)
    assert imports(client) == []
    client.ml.put_trained_model(model_id=ELSER, input=INPUT, wait_for_completion=True)
    assert is_defined(client)


def test_a_put_that_waits_for_its_download_does_not_delay_the_servers_stop(elastic_server):
    elastic = elastic_server(download_seconds=600)

    def put():
        with contextlib.suppress(ApiError, TransportError):
            elastic.client.ml.put_trained_model(model_id=ELSER, input=INPUT, wait_for_completion=True)

    waiting = threading.Thread(target=put)
    waiting.start()
    until(lambda: imports(elastic.client))
    began = time.monotonic()
    assert elastic.sandbox.stop() == 0
    assert time.monotonic() - began < 60
    waiting.join(60)
    assert not waiting.is_alive()


@pytest.mark.parametrize(("version", "status"), [("8.19", 408), ("8.13", 400)])
def test_a_start_before_the_download_has_ended_is_refused(elastic_server, version, status):
    client = elastic_server(version=version, download_seconds=60).client
    client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    with pytest.raises(ApiError) as error:
        client.ml.start_trained_model_deployment(model_id=ELSER)
    assert error.value.status_code == status
    assert ELSER in reason(error)


def test_deleting_a_model_cancels_its_download(elastic_server):
    client = elastic_server(download_seconds=60).client
    client.ml.put_trained_model(model_id=ELSER, input=INPUT)
    assert client.ml.delete_trained_model(model_id=ELSER, force=True) == {"acknowledged": True}
    until(lambda: not imports(client))
    with pytest.raises(NotFoundError) as error:
        client.ml.get_trained_models(model_id=ELSER)
    assert reason(error) == f"No known trained model with model_id [{ELSER}]"


def test_an_uploaded_model_is_defined_by_its_parts(elastic_server):
    client = elastic_server().client
    client.ml.put_trained_model(model_id="mine", input=INPUT, **UPLOADED)
    with pytest.raises(NotFoundError):
        client.ml.start_trained_model_deployment(model_id="mine")
    for part in (0, 1):
        client.ml.put_trained_model_definition_part(
            model_id="mine",
            part=part,
            definition=base64.b64encode(b"12345").decode(),
            total_definition_length=10,
            total_parts=2,
        )
    client.ml.put_trained_model_vocabulary(model_id="mine", vocabulary=["a", "b"])
    assert is_defined(client, "mine")
    assert client.ml.get_trained_models(model_id="mine")["trained_model_configs"][0]["model_size_bytes"] == 10
    with pytest.raises(BadRequestError) as error:
        client.ml.put_trained_model(model_id="mine", input=INPUT, **UPLOADED)
    assert reason(error) == "Trained machine learning model [mine] already exists"


def test_models_are_listed_by_pattern_and_page(elastic_server):
    client = elastic_server().client
    for name in ("a-1", "a-2", "b-1"):
        client.ml.put_trained_model(model_id=name, input=INPUT, **UPLOADED)

    def names(**given):
        return [each["model_id"] for each in client.ml.get_trained_models(**given)["trained_model_configs"]]

    assert names() == ["a-1", "a-2", "b-1", "lang_ident_model_1"]
    assert names(model_id="a-*") == ["a-1", "a-2"]
    assert names(from_=1, size=1) == ["a-2"]
    assert names(model_id="c-*") == []
    with pytest.raises(NotFoundError):
        names(model_id="c-*", allow_no_match=False)


def test_every_cluster_has_a_model_that_cannot_be_deployed_or_deleted(elastic_server):
    client = elastic_server().client
    name = "lang_ident_model_1"
    (config,) = client.ml.get_trained_models()["trained_model_configs"]
    assert (config["model_id"], config["model_type"], config["license_level"]) == (
        name,
        "lang_ident",
        "basic",
    )
    (stats,) = client.ml.get_trained_models_stats()["trained_model_stats"]
    assert stats["model_id"] == name
    assert "deployment_stats" not in stats
    with pytest.raises(BadRequestError) as error:
        client.ml.delete_trained_model(model_id=name, force=True)
    assert reason(error) == f"Unable to delete model [{name}] as it is required by machine learning"
    with pytest.raises(BadRequestError) as error:
        client.ml.start_trained_model_deployment(model_id=name)
    assert "Only PyTorch models can be deployed" in reason(error)
    with pytest.raises(BadRequestError):
        client.ml.put_trained_model(model_id=name, input=INPUT, **UPLOADED)


def test_the_definition_status_is_shown_for_a_single_pytorch_model_only(elastic_server):
    client = elastic_server().client
    with pytest.raises(BadRequestError) as error:
        client.ml.get_trained_models(model_id="lang_ident_model_1", include="definition_status")
    assert reason(error) == "Definition status is only relevant to PyTorch model types"
    client.ml.put_trained_model(model_id="mine", input=INPUT, **UPLOADED)
    assert not is_defined(client, "mine")
    with pytest.raises(BadRequestError) as error:
        client.ml.get_trained_models(include="definition_status")
    assert "not supported when getting more than one model" in reason(error)


def test_an_alias_names_a_model_and_is_reassigned_only_on_request(elastic_server):
    client = elastic_server().client
    for name in ("one", "two"):
        client.ml.put_trained_model(model_id=name, input=INPUT, **UPLOADED)
    client.ml.put_trained_model_alias(model_id="one", model_alias="text")
    assert client.ml.get_trained_models(model_id="text")["trained_model_configs"][0]["model_id"] == "one"
    with pytest.raises(BadRequestError):
        client.ml.put_trained_model_alias(model_id="two", model_alias="text")
    client.ml.put_trained_model_alias(model_id="two", model_alias="text", reassign=True)
    with pytest.raises(NotFoundError):
        client.ml.delete_trained_model_alias(model_id="one", model_alias="text")
    client.ml.delete_trained_model_alias(model_id="two", model_alias="text")
    with pytest.raises(BadRequestError):
        client.ml.put_trained_model_alias(model_id="one", model_alias="text1")


def test_a_model_that_a_pipeline_references_is_deleted_only_by_force(elastic_server):
    client = elastic_server().client
    client.ml.put_trained_model(model_id="mine", input=INPUT, **UPLOADED)
    client.ml.put_trained_model_alias(model_id="mine", model_alias="text")
    processor = {"model_id": "text", "input_output": {"input_field": "a", "output_field": "b"}}
    client.ingest.put_pipeline(id="p", processors=[{"inference": processor}])
    with pytest.raises(ConflictError) as error:
        client.ml.delete_trained_model(model_id="mine")
    assert "it has a model_alias [text] that is still referenced by ingest processors" in reason(error)
    client.ml.delete_trained_model(model_id="mine", force=True)


def test_without_a_licence_machine_learning_is_read_only(elastic_server):
    client = elastic_server(licence="basic").client
    assert client.ml.get_trained_models()["count"] == 1
    assert client.ml.get_trained_models_stats()["count"] == 1
    assert client.ml.info()["defaults"]["model_platform_variant"] == "linux-x86_64"
    part = {"definition": "", "total_definition_length": 1, "total_parts": 1}
    for call in (
        lambda: client.ml.put_trained_model(model_id=ELSER, input=INPUT),
        lambda: client.ml.put_trained_model_definition_part(model_id="mine", part=0, **part),
        lambda: client.ml.put_trained_model_vocabulary(model_id="mine", vocabulary=[]),
        lambda: client.ml.put_trained_model_alias(model_id="mine", model_alias="text"),
        lambda: client.ml.start_trained_model_deployment(model_id=ELSER),
        lambda: client.ml.update_trained_model_deployment(model_id=ELSER, number_of_allocations=2),
        lambda: client.ml.infer_trained_model(model_id=ELSER, docs=[{"text_field": "a dog"}]),
    ):
        with pytest.raises(AuthorizationException) as error:
            call()
        assert (kind(error), reason(error)) == (
            "security_exception",
            "current license is non-compliant for [ml]",
        )
        assert error.value.body["error"]["license.expired.feature"] == "ml"
    client.ingest.put_pipeline(id="p", processors=[{"lowercase": {"field": "a"}}])


def test_the_model_for_one_platform_is_packaged_too(elastic_server):
    client = elastic_server().client
    name = f"{ELSER}_linux-x86_64"
    config = client.ml.put_trained_model(model_id=name, input=INPUT, wait_for_completion=True)
    assert config["model_package"]["packaged_model_id"] == "elser_model_2_linux-x86_64"
    assert config["platform_architecture"] == "linux-x86_64"
    client.ml.start_trained_model_deployment(model_id=name)
    docs = [{"text_field": "a dog"}]
    assert (
        client.ml.infer_trained_model(model_id=name, docs=docs)["inference_results"][0]["predicted_value"][
            "dog"
        ]
        > 1
    )
