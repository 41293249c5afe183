"""Deployments over the official client: both answers to insufficient capacity, states, updates, stopping, restarts."""

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError

from sandbox import process
from sandbox.elastic.options import ElasticOptions
from tests.client import client_of
from tests.polling import until

pytestmark = pytest.mark.slow

ELSER = ".elser_model_2"


@pytest.fixture
def deployed(elastic_server):
    """A client of a stand-in that has the model: `deployed(processors=4)`."""

    def start(**options):
        elastic = elastic_server(**{"download_seconds": 0.05, **options})
        elastic.client.ml.put_trained_model(
            model_id=ELSER, input={"field_names": ["text_field"]}, wait_for_completion=True
        )
        return elastic

    return start


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A client of a stand-in that has the model, for tests that leave no trace."""
    options = ElasticOptions(download_seconds=0.05)
    with process.running(tmp_path_factory.mktemp("ready"), options) as environment:
        client = client_of(environment)
        client.ml.put_trained_model(
            model_id=ELSER, input={"field_names": ["text_field"]}, wait_for_completion=True
        )
        yield client
        client.close()


def reason(error):
    return error.value.body["error"]["reason"]


def start(client, **given):
    return client.ml.start_trained_model_deployment(model_id=ELSER, **given)["assignment"]


def stats(client, **given):
    return client.ml.get_trained_models_stats(**given)["trained_model_stats"]


def test_fields_in_the_body_of_a_start_are_defaults_for_its_query_string(ready):
    path = f"/_ml/trained_models/{ELSER}/deployment/_start?deployment_id=by-body&queue_capacity=30"
    headers = {"accept": "application/json", "content-type": "application/json"}
    body = {"number_of_allocations": 2, "queue_capacity": 20, "threads_per_allocation": 2, "timeout": "20s"}
    found = ready.perform_request("POST", path, headers=headers, body=body).body
    parameters = found["assignment"]["task_parameters"]
    ready.ml.stop_trained_model_deployment(model_id="by-body")
    assert (parameters["number_of_allocations"], parameters["threads_per_allocation"]) == (2, 2)
    assert parameters["queue_capacity"] == 30
    for wrong in ({"allocations": 2}, {"number_of_allocations": "two"}):
        with pytest.raises(BadRequestError):
            ready.perform_request("POST", path, headers=headers, body=wrong)


def test_a_start_that_waits_is_answered_when_it_is_started(deployed):
    client = deployed(version="8.13").client
    assignment = start(client)
    assert assignment["assignment_state"] == "started"
    assert assignment["task_parameters"] == {
        "model_id": ELSER,
        "deployment_id": ELSER,
        "model_bytes": 438123914,
        "threads_per_allocation": 1,
        "number_of_allocations": 1,
        "queue_capacity": 1024,
        "cache_size": "438123914b",
        "priority": "normal",
        "per_deployment_memory_bytes": 0,
        "per_allocation_memory_bytes": 0,
    }
    (route,) = assignment["routing_table"].values()
    assert route == {
        "current_allocations": 1,
        "target_allocations": 1,
        "routing_state": "started",
        "reason": "",
    }


def test_a_cluster_that_grows_places_deployments_that_had_no_room(deployed):
    client = deployed(ml_nodes=0, grow_seconds=0.05).client
    assert start(client, deployment_id="big", number_of_allocations=12)["assignment_state"] == "starting"

    def placed():
        (shown,) = [each["deployment_stats"] for each in stats(client, model_id=ELSER)]
        return shown["state"], shown["allocation_status"]["allocation_count"]

    until(lambda: placed() == ("started", 12), "all allocations")
    assert len([n for n in client.ml.get_memory_stats()["nodes"].values() if "ml" in n["roles"]]) == 2


def test_a_cluster_does_not_grow_for_a_deployment_that_fits_on_no_node(deployed):
    client = deployed(ml_nodes=1, grow_seconds=0.01).client
    start(client, deployment_id="wide", threads_per_allocation=16)
    start(client, deployment_id="fits", wait_for="started")
    assert len([n for n in client.ml.get_memory_stats()["nodes"].values() if "ml" in n["roles"]]) == 1


def test_a_start_that_does_not_wait_is_answered_while_starting(deployed):
    client = deployed(start_seconds=30).client
    assert start(client, wait_for="starting")["assignment_state"] == "starting"
    with pytest.raises(ConflictError) as error:
        client.ml.infer_trained_model(model_id=ELSER, docs=[{"text_field": "x"}])
    assert reason(error) == f"Trained model deployment [{ELSER}] is not allocated to any nodes"
    (entry,) = stats(client, model_id=ELSER)
    assert entry["deployment_stats"]["state"] == "starting"
    assert entry["deployment_stats"]["nodes"][0]["routing_state"] == {"routing_state": "starting"}


def test_a_start_that_times_out_continues(deployed):
    client = deployed(start_seconds=30).client
    with pytest.raises(ApiError) as error:
        start(client, timeout="100ms")
    assert error.value.status_code == 408
    assert "Timed out after [100ms] waiting for trained model deployment" in reason(error)
    with pytest.raises(BadRequestError) as error:
        start(client)
    assert "because an existing deployment with the same id" in reason(error)


def test_without_room_a_cluster_that_could_grow_answers_200_starting_and_a_reason(deployed):
    client = deployed(ml_nodes=1).client
    start(client, deployment_id="one")
    assignment = start(client, deployment_id="big", number_of_allocations=3, threads_per_allocation=8)
    assert assignment["assignment_state"] == "starting"
    assert assignment["routing_table"] == {}
    assert assignment["max_assigned_allocations"] == 0
    assert (
        "free processors [7], processors required for each allocation of this model [8]"
        in assignment["reason"]
    )
    client.ml.stop_trained_model_deployment(model_id="one")
    shown = stats(client, model_id="big")[0]["deployment_stats"]
    assert shown["allocation_status"]["target_allocation_count"] == 3
    assert len(shown["nodes"]) == 1


def test_without_room_a_cluster_that_cannot_grow_answers_429_and_keeps_no_deployment(deployed):
    client = deployed(ml_nodes=1, processors=2, autoscaling=False).client
    with pytest.raises(ApiError) as error:
        start(client, threads_per_allocation=4)
    assert error.value.status_code == 429
    assert (
        reason(error) == "Could not start deployment because no ML nodes with sufficient capacity were found"
    )
    assert (
        "allocation explanation [Optional[Could not assign"
        in error.value.body["error"]["caused_by"]["reason"]
    )
    with pytest.raises(ApiError) as error:
        start(client, number_of_allocations=3)
    assert error.value.status_code == 429
    assert "not enough resources to provide all requested allocations" in reason(error)
    assert "deployment_stats" not in stats(client, model_id=ELSER)[0]


def test_statistics_have_an_entry_for_each_deployment_while_count_counts_models(deployed):
    client = deployed().client
    for name in ("search", "ingest"):
        start(client, deployment_id=name)
    found = client.ml.get_trained_models_stats(model_id=ELSER)
    assert found["count"] == 1
    assert [each["deployment_stats"]["deployment_id"] for each in found["trained_model_stats"]] == [
        "ingest",
        "search",
    ]
    assert [each["deployment_stats"]["deployment_id"] for each in stats(client, model_id="search")] == [
        "search"
    ]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"threads_per_allocation": 3},
            "[threads_per_allocation] must be a power of 2 less than or equal to 32",
        ),
        (
            {"threads_per_allocation": 64},
            "[threads_per_allocation] must be a power of 2 less than or equal to 32",
        ),
        ({"queue_capacity": 100_001}, "[queue_capacity] must be less than 100000"),
        ({"number_of_allocations": 0}, "[number_of_allocations] must be a positive integer"),
        ({"timeout": "0"}, "[timeout] must be positive"),
        (
            {"priority": "low", "number_of_allocations": 2},
            "[number_of_allocations] must be 1 when [priority] is low",
        ),
    ],
    ids=str,
)
def test_invalid_parameters_are_refused_by_name(ready, given, text):
    with pytest.raises(BadRequestError) as error:
        start(ready, **given)
    assert reason(error) == f"Validation Failed: 1: {text};"


def test_a_number_of_allocations_excludes_adaptive_allocations(deployed):
    client = deployed().client
    adaptive = {"enabled": True, "min_number_of_allocations": 2, "max_number_of_allocations": 4}
    with pytest.raises(BadRequestError) as error:
        start(client, number_of_allocations=1, adaptive_allocations=adaptive)
    assert "cannot be set if adaptive allocations is enabled" in reason(error)
    assignment = start(client, adaptive_allocations=adaptive)
    assert assignment["adaptive_allocations"] == adaptive
    assert assignment["task_parameters"]["number_of_allocations"] == 2


def test_unknown_models_and_ids_of_other_models_are_refused(deployed):
    client = deployed().client
    with pytest.raises(NotFoundError) as error:
        client.ml.start_trained_model_deployment(model_id="nope")
    assert reason(error) == "No known trained model with model_id [nope]"
    client.ml.put_trained_model(
        model_id="other",
        model_type="pytorch",
        input={"field_names": ["t"]},
        inference_config={"text_expansion": {}},
    )
    with pytest.raises(BadRequestError) as error:
        start(client, deployment_id="other")
    assert reason(error).startswith("Deployment id [other] is the same as an another model")


def test_allocations_are_added_and_removed(deployed):
    client = deployed(autoscaling=False).client
    start(client, deployment_id="d")
    updated = client.ml.update_trained_model_deployment(model_id="d", number_of_allocations=4)["assignment"]
    assert sum(each["current_allocations"] for each in updated["routing_table"].values()) == 4
    updated = client.ml.update_trained_model_deployment(model_id="d", number_of_allocations=1)["assignment"]
    assert sum(each["current_allocations"] for each in updated["routing_table"].values()) == 1
    with pytest.raises(ApiError) as error:
        client.ml.update_trained_model_deployment(model_id="d", number_of_allocations=17)
    assert error.value.status_code == 429
    with pytest.raises(NotFoundError):
        client.ml.update_trained_model_deployment(model_id="nope", number_of_allocations=1)


def test_a_deployment_that_is_not_started_is_not_updated(deployed):
    client = deployed(start_seconds=30).client
    start(client, wait_for="starting")
    with pytest.raises(ConflictError) as error:
        client.ml.update_trained_model_deployment(model_id=ELSER, number_of_allocations=2)
    assert reason(error) == "cannot update deployment that is not in [started] state"


def test_a_deployment_that_a_pipeline_references_is_stopped_only_by_force(deployed):
    client = deployed().client
    start(client, deployment_id="d")
    processor = {"model_id": "d", "input_output": {"input_field": "a", "output_field": "b"}}
    client.ingest.put_pipeline(id="p", processors=[{"inference": processor}])
    with pytest.raises(ConflictError) as error:
        client.ml.stop_trained_model_deployment(model_id="d")
    assert reason(error).startswith("Cannot stop deployment [d] as it is referenced by ingest processors")
    assert client.ml.stop_trained_model_deployment(model_id="d", force=True) == {"stopped": True}
    assert client.ml.stop_trained_model_deployment(model_id="d") == {"stopped": True}
    with pytest.raises(NotFoundError):
        client.ml.stop_trained_model_deployment(model_id="d", allow_no_match=False)


def test_a_deployment_is_stopped_by_its_own_id_only(deployed):
    client = deployed().client
    start(client, deployment_id="d")
    assert client.ml.stop_trained_model_deployment(model_id=ELSER) == {"stopped": True}
    assert stats(client, model_id="d")[0]["deployment_stats"]["state"] == "started"
    start(client)
    client.ml.put_trained_model_alias(model_id=ELSER, model_alias="text")
    processor = {"model_id": "text", "input_output": {"input_field": "a", "output_field": "b"}}
    client.ingest.put_pipeline(id="p", processors=[{"inference": processor}])
    with pytest.raises(ConflictError) as error:
        client.ml.stop_trained_model_deployment(model_id=ELSER)
    assert "as it has a model_alias [text] that is still referenced by ingest processors" in reason(error)


def test_a_deployed_model_is_deleted_only_by_force(deployed):
    client = deployed().client
    start(client)
    with pytest.raises(ConflictError) as error:
        client.ml.delete_trained_model(model_id=ELSER)
    assert (
        reason(error)
        == f"Cannot delete model [{ELSER}] as it is currently deployed; use force to delete the model"
    )
    client.ml.delete_trained_model(model_id=ELSER, force=True)
    assert [each["model_id"] for each in stats(client)] == ["lang_ident_model_1"]


def test_deployments_are_restored_after_the_server_was_killed(deployed, elastic_server):
    first = deployed()
    start(first.client, deployment_id="d", number_of_allocations=2, queue_capacity=77)
    first.sandbox.kill()
    client = elastic_server(start_seconds=0.0).client
    (entry,) = stats(client, model_id="d")
    assert entry["deployment_stats"]["queue_capacity"] == 77
    assert entry["deployment_stats"]["allocation_status"]["allocation_count"] == 2
    assert client.ml.infer_trained_model(model_id="d", docs=[{"text_field": "a dog"}])["inference_results"]


def test_the_capacity_of_nodes_is_shown_before_anything_is_started(deployed):
    client = deployed(ml_nodes=2, processors=4).client
    limits = client.ml.info()["limits"]
    assert limits["total_ml_processors"] == 8
    assert limits["max_single_ml_node_processors"] == 4
    start(client)
    nodes = client.ml.get_memory_stats()["nodes"].values()
    assert sum(node["mem"]["ml"]["native_inference_in_bytes"] for node in nodes) == 2004 << 20
    assert "ml.allocated_processors=4" in client.nodes.hot_threads().body
