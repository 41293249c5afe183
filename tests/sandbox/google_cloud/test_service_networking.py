"""Private connections as Service Networking makes them, and what the endpoints of Vertex AI make of them."""

from __future__ import annotations

import pytest
from google.api_core import exceptions as google_errors

from tests.sandbox.google_cloud.conftest import PROJECT, full


def test_a_connection_takes_time_and_shows_as_a_peering_of_the_network(google):
    network = google.network()
    name = google.range(network)
    google.fault("servicenetworking.services.connections.create", "stall", "end", seconds=0.5)
    body = {"network": full(network), "reservedPeeringRanges": [name]}
    status, begun = google.networking("POST", body=body)
    assert (status, begun.get("done")) == (200, None)
    assert google.networking("GET", network=full(network)) == (200, {})
    assert google.done(begun)["response"]["reservedPeeringRanges"] == [name]
    _, listed = google.networking("GET", network=full(network))
    assert [one["reservedPeeringRanges"] for one in listed["connections"]] == [[name]]
    (peering,) = google.networks.get(project=PROJECT, network=network).peerings
    assert (peering.name, peering.state) == ("servicenetworking-googleapis-com", "ACTIVE")


def test_other_ranges_need_an_update(google):
    network = google.network()
    first, second = google.range(network), google.range(network)
    google.connect(network, first)
    body = {"network": full(network), "reservedPeeringRanges": [second]}
    status, refused = google.networking("POST", body=body)
    assert (status, refused["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert "Please use UpdateConnection" in refused["error"]["message"]
    both = body | {"reservedPeeringRanges": [first, second]}
    status, begun = google.networking("PATCH", "/-", both, updateMask="reservedPeeringRanges", force="true")
    assert "error" not in google.done(begun)
    _, listed = google.networking("GET", network=full(network))
    assert listed["connections"][0]["reservedPeeringRanges"] == [first, second]


@pytest.mark.parametrize(
    ("network", "status"),
    [(f"projects/{PROJECT}/global/networks/sandbox", 400), ("sandbox", 400), (full("nobodys"), 404)],
    ids=["project's id", "own name", "no such network"],
)
def test_a_network_is_named_with_the_projects_number_and_must_be_there(google, network, status):
    body = {"network": network, "reservedPeeringRanges": ["sandbox-range"]}
    assert google.networking("POST", body=body)[0] == status


def test_an_endpoint_is_refused_in_a_network_until_it_is_peered_and_keeps_the_connection(google, clients):
    network = google.network()
    endpoint = {"display_name": f"in {network}", "network": full(network)}

    def create():
        return clients.endpoints.create_index_endpoint(parent=clients.parent, index_endpoint=endpoint)

    with pytest.raises(google_errors.FailedPrecondition, match="NETWORK_NOT_PEERED"):
        create()
    google.connect(network, google.range(network))
    made = create().result(timeout=60).name

    path, body = "/servicenetworking-googleapis-com", {"consumerNetwork": full(network)}
    _, begun = google.networking("POST", path, body)
    error = google.done(begun)["error"]
    assert error["code"] == 9
    assert "Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using" in error["message"]
    clients.endpoints.delete_index_endpoint(name=made).result(timeout=60)
    _, begun = google.networking("POST", path, body)
    assert "error" not in google.done(begun)
    assert google.networking("GET", network=full(network)) == (200, {})
    with pytest.raises(google_errors.FailedPrecondition, match="NETWORK_NOT_PEERED"):
        create()


def test_an_operation_that_fails_is_done_with_an_error_and_connects_nothing(google):
    network = google.network()
    name = google.range(network)
    google.fault("servicenetworking.services.connections.create", "unavailable", "end")
    assert google.connect(network, name)["error"]["code"] == 14
    assert google.networking("GET", network=full(network)) == (200, {})
