"""Inference endpoints as the service shows them, whoever made them."""

import logging

import pytest

from sandbox import faults
from tasks.elastic.cluster.deployment_states import adaptive_of
from tasks.elastic.cluster.endpoints import (
    FIRST_USE_SECONDS,
    EndpointSpec,
    ensure_endpoint,
    first_use_seconds,
    read_endpoint,
    read_endpoints,
    remove_endpoint,
    verify_endpoint,
    wait_for_endpoint,
)
from tasks.elastic.connection.clients import connect
from tasks.waiting import Deadline


def test_an_endpoint_that_may_grow_beyond_what_we_ask_for_is_read_like_any_other(
    settings, deployed, name, deadline
):
    assert deployed
    adaptive = {"enabled": True, "min_number_of_allocations": 0, "max_number_of_allocations": 99_999}
    service = {"model_id": ".elser_model_2", "num_threads": 1, "adaptive_allocations": adaptive}
    connect(settings).inference.put(
        inference_id=name,
        task_type="sparse_embedding",
        inference_config={"service": "elasticsearch", "service_settings": service},
    )
    try:
        found = read_endpoint.fn(settings, name).adaptive
        assert (found.min, found.max) == (0, 99_999)
        assert name in [each.id for each in read_endpoints.fn(settings)]
    finally:
        remove_endpoint.fn(settings, name, deadline)


def test_an_endpoint_whose_deployment_crashed_gets_it_started_again(
    sandbox, settings, deployed, name, deadline, caplog
):
    assert deployed
    caplog.set_level(logging.INFO, "vector_search_ops")
    spec = EndpointSpec(id=name, task_type="sparse_embedding", model_id=".elser_model_2")
    faults.add(sandbox.state, "ml.start_trained_model_deployment", "internal", "end")
    try:
        assert ensure_endpoint.fn(settings, spec, deadline).did == "created"
        assert "has no deployment that answers" in caplog.text
        wait_for_endpoint.fn(settings, spec, deadline)
        assert verify_endpoint.fn(settings, name).size > 0
    finally:
        remove_endpoint.fn(settings, name, deadline)


def test_the_first_use_of_an_endpoint_is_waited_for_until_the_deadline_at_most():
    assert first_use_seconds(None) == first_use_seconds(Deadline.after(minutes=240)) == FIRST_USE_SECONDS
    half = FIRST_USE_SECONDS / 2
    assert half - 2 < first_use_seconds(Deadline.after(seconds=half)) <= half
    assert first_use_seconds(Deadline.after(seconds=0)) == 1, "one try is left"


@pytest.mark.parametrize(
    ("shown", "least", "most"),
    [
        pytest.param({"enabled": True}, 0, 32, id="without bounds it scales to zero"),
        pytest.param({"enabled": True, "min_number_of_allocations": 1}, 1, 32, id="a minimum"),
    ],
)
def test_without_a_minimum_a_deployment_scales_to_zero(shown, least, most):
    found = adaptive_of(shown)
    assert (found.min, found.max) == (least, most)
    assert adaptive_of({**shown, "enabled": False}) is None
