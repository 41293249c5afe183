"""Inference endpoints as the service shows them, whoever made them."""

import pytest

from tasks.elastic.cluster.deployment_states import adaptive_of
from tasks.elastic.cluster.endpoints import read_endpoint, read_endpoints, remove_endpoint
from tasks.elastic.connection.clients import connect


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
