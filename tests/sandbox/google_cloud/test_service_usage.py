"""APIs that are off, enabled, and answer a while later, through Google's own client of Service Usage."""

from __future__ import annotations

import time

import pytest
from google.api_core import exceptions as google_errors
from google.cloud import service_usage_v1

from sandbox.vertex.options import VertexOptions
from tests.polling import until
from tests.sandbox.google_cloud.conftest import NUMBER, PROJECT, Networks

COMPUTE = "compute.googleapis.com"
ENABLED = service_usage_v1.State.ENABLED


@pytest.mark.slow
def test_a_new_project_enables_the_apis_first_and_they_answer_a_while_later(fresh):
    sandbox = fresh(VertexOptions(clock_factor=20, peered_networks=""))
    google = Networks(sandbox.environment, sandbox.state)
    with pytest.raises(google_errors.Forbidden, match=f"{COMPUTE} has not been used") as refused:
        google.networks.get(project=PROJECT, network="default")
    assert refused.value.errors[0]["reason"] == "accessNotConfigured"
    status, answer = google.networking("GET", network=f"projects/{NUMBER}/global/networks/default")
    assert (status, answer["error"]["details"][0]["reason"]) == (403, "SERVICE_DISABLED")

    name = f"projects/{PROJECT}/services/{COMPUTE}"
    begun = google.usage.enable_service(request={"name": name})
    assert not begun.done()
    assert begun.result(timeout=60).service.state == ENABLED
    assert google.usage.get_service(request={"name": name}).parent == f"projects/{NUMBER}"
    with pytest.raises(google_errors.Forbidden, match="wait a few minutes"):
        google.networks.get(project=PROJECT, network="default")

    def answers():
        try:
            return list(google.networks.list(project=PROJECT)) == []
        except google_errors.Forbidden:
            return False

    began = time.monotonic()
    until(answers, "an answer of the API")
    assert time.monotonic() - began > 1, "a nominal minute, at this clock 3 s"


def test_what_is_enabled_already_needs_no_operation(google):
    parent = f"projects/{PROJECT}"
    begun = google.usage.batch_enable_services(request={"parent": parent, "service_ids": [COMPUTE]})
    assert begun.operation.name == "operations/noop.DONE_OPERATION"
    assert [one.state for one in begun.result(timeout=10).services] == [ENABLED]


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_has_one_to_twenty_apis(google, count):
    names = [f"api{number}.googleapis.com" for number in range(count)]
    with pytest.raises(google_errors.BadRequest, match="1 to 20"):
        google.usage.batch_enable_services(request={"parent": f"projects/{PROJECT}", "service_ids": names})


def test_names_that_are_no_api_are_not_found(google):
    with pytest.raises(google_errors.NotFound):
        google.usage.get_service(request={"name": f"projects/{PROJECT}/services/compute"})
