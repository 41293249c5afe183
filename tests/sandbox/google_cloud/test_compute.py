"""Networks and their operations as Compute Engine has them, through Google's own client."""

from __future__ import annotations

import pytest
import requests
from google.api_core import exceptions as google_errors
from google.cloud import compute_v1

from tests.sandbox.google_cloud.conftest import PROJECT


def reason(refused):
    """Google's word for a refusal."""
    return refused.value.errors[0]["reason"]


def test_a_network_is_there_when_its_operation_is_done_and_its_name_is_taken_before(google):
    google.fault("compute.networks.insert", "stall", "end", seconds=1)
    body = {"name": "slow", "auto_create_subnetworks": True}
    begun = google.networks.insert_unary(project=PROJECT, network_resource=body)
    assert (begun.operation_type, begun.progress) == ("insert", 0)
    assert begun.status != compute_v1.Operation.Status.DONE
    assert begun.target_link.endswith("/global/networks/slow")
    assert begun.name in [one.name for one in google.operations.list(project=PROJECT)]
    with pytest.raises(google_errors.NotFound):
        google.networks.get(project=PROJECT, network="slow")
    with pytest.raises(google_errors.Conflict) as refused:
        google.networks.insert_unary(project=PROJECT, network_resource=body)
    assert reason(refused) == "alreadyExists"
    rule = {"name": "early", "network": "global/networks/slow", "allowed": [{"I_p_protocol": "icmp"}]}
    with pytest.raises(google_errors.BadRequest) as refused:
        google.firewalls.insert_unary(project=PROJECT, firewall_resource=rule)
    assert reason(refused) == "resourceNotReady"

    ended = google.ended(begun)
    assert (ended.progress, list(ended.error.errors)) == (100, [])
    made = google.networks.get(project=PROJECT, network="slow")
    assert (made.auto_create_subnetworks, made.routing_config.routing_mode) == (True, "REGIONAL")
    assert len(made.subnetworks) == 1


def test_the_same_request_id_is_the_same_operation(google):
    body = {"name": "once", "auto_create_subnetworks": True}
    request = {
        "project": PROJECT, "network_resource": body, "request_id": "5f9c3a52-0c8c-4f0e-9f3a-8a4b6d1e2f70"
    }  # fmt: skip
    first, second = (google.networks.insert_unary(request=request) for _ in range(2))
    assert first.name == second.name


def test_done_is_no_success_the_error_says_what_happened(google):
    google.fault("compute.networks.insert", "internal", "end")
    body = {"name": "failed", "auto_create_subnetworks": True}
    ended = google.ended(google.networks.insert_unary(project=PROJECT, network_resource=body))
    assert [one.code for one in ended.error.errors] == ["INTERNAL_ERROR"]
    assert ended.http_error_status_code == 500
    with pytest.raises(google_errors.NotFound):
        google.networks.get(project=PROJECT, network="failed")


NETWORK = {"name": "other", "auto_create_subnetworks": True}
RANGE = {
    "name": "range", "address_type": "INTERNAL", "purpose": "VPC_PEERING", "prefix_length": 16,
    "network": "global/networks/sandbox",
}  # fmt: skip
RULE = {"name": "rule", "network": "global/networks/sandbox", "allowed": [{"I_p_protocol": "icmp"}]}


@pytest.mark.parametrize(
    ("kind", "body", "error", "word"),
    [
        ("networks", NETWORK | {"name": "Upper"}, google_errors.BadRequest, "invalid"),
        ("networks", NETWORK | {"name": "sandbox"}, google_errors.Conflict, "alreadyExists"),
        ("networks", {"name": "legacy"}, google_errors.BadRequest, "invalid"),
        ("networks", NETWORK | {"enable_ula_internal_ipv6": True}, google_errors.MethodNotImplemented, "notImplemented"),
        ("firewalls", RULE | {"network": "global/networks/nobodys"}, google_errors.NotFound, "notFound"),
        ("firewalls", RULE | {"source_ranges": ["10.0.0.1/9"]}, google_errors.BadRequest, "invalid"),
        ("firewalls", RULE | {"allowed": []}, google_errors.BadRequest, "invalid"),
        ("ranges", RANGE | {"prefix_length": 30}, google_errors.BadRequest, "invalid"),
        ("ranges", RANGE | {"network": "global/networks/nobodys"}, google_errors.NotFound, "notFound"),
        ("ranges", RANGE | {"address": "10.100.0.0"}, google_errors.BadRequest, "invalid"),
        ("ranges", RANGE | {"purpose": "GCE_ENDPOINT"}, google_errors.BadRequest, "invalid"),
    ],
    ids=[
        "no name", "taken", "legacy network", "unknown field", "no such network", "bits beyond the prefix", "allows nothing",
        "too small", "range without network", "overlap", "other purpose",
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_at_once(google, kind, body, error, word):
    noun = {"networks": "network", "firewalls": "firewall", "ranges": "address"}[kind]
    with pytest.raises(error) as refused:
        getattr(google, kind).insert_unary(request={"project": PROJECT, f"{noun}_resource": body})
    assert reason(refused) == word


def test_a_network_that_something_uses_is_not_deleted_and_the_user_is_named(google):
    name = google.network()
    rule = {
        "name": f"{name}-rule",
        "network": f"global/networks/{name}",
        "allowed": [{"I_p_protocol": "all"}],
    }
    google.ended(google.firewalls.insert_unary(project=PROJECT, firewall_resource=rule))
    with pytest.raises(google_errors.BadRequest, match=f"{name}-rule") as refused:
        google.networks.delete_unary(project=PROJECT, network=name)
    assert reason(refused) == "resourceInUseByAnotherResource"
    google.ended(google.firewalls.delete_unary(project=PROJECT, firewall=rule["name"]))
    google.ended(google.networks.delete_unary(project=PROJECT, network=name))
    with pytest.raises(google_errors.NotFound):
        google.networks.get(project=PROJECT, network=name)


def test_ranges_of_a_network_do_not_overlap(google):
    network = google.network()
    names = [google.range(network, prefix_length=10) for _ in range(2)]
    starts = {google.ranges.get(project=PROJECT, address=name).address for name in names}
    assert starts == {"10.0.0.0", "10.64.0.0"}
    body = RANGE | {"name": "third", "prefix_length": 10, "network": f"global/networks/{network}"}
    with pytest.raises(google_errors.BadRequest, match="no free range"):
        google.ranges.insert_unary(project=PROJECT, address_resource=body)


def test_other_projects_and_callers_without_a_token_get_nothing(google):
    with pytest.raises(google_errors.Forbidden, match="somebodys"):
        google.networks.get(project="somebodys", network="sandbox")
    answer = requests.get(f"{google.url}/compute/v1/projects/{PROJECT}/global/networks/sandbox", timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
