"""Private Service Connect in trouble: connections that are rejected or closed, and runs that are killed on the way."""

from __future__ import annotations

import pytest

from tasks.crash_points import CRASH_AT
from tasks.vertex.marks import labels_of
from tasks.vertex.network.clients import connect_networks
from tasks.vertex.resources.endpoints import endpoint_spec

pytestmark = pytest.mark.slow
TARGET = ("--target", "sandbox")
KIND = "private-service-connect"


@pytest.fixture
def service(service_with):
    return service_with(automated_endpoints=False)


@pytest.fixture
def vertex(run, release, name):
    """Runs a command on the test's name; one that dies on the way frees its slot."""

    def to_its_end(service, command, *words, code=0, **environment):
        ended = run(service, "vertex", command, "--name", name, *words, *TARGET, code=code, **environment)
        if code < 0:
            release(name)
        return ended

    return to_its_end


def text(command):
    return " ".join(command.err.split())


def rules(service, name):
    """The forwarding rules of a name, with their statuses."""
    clients = connect_networks(service.settings)
    listed = clients.forwarding_rules.list(project=service.settings.project, region=service.settings.location)
    return {one.name: one.psc_connection_status for one in listed if one.name.startswith(f"{name}-")}


def test_a_rejected_connection_is_told_by_every_command_with_what_to_do(service, vertex, build, name):
    # The endpoint lets another project in: made as a build with VERTEX_PSC_PROJECTS=somebodys makes it, marks of ours included.
    endpoint = {
        "display_name": name,
        "labels": labels_of(endpoint_spec(service.settings, name, KIND)),
        "private_service_connect_config": {
            "enable_private_service_connect": True,
            "project_allowlist": ["somebodys"],
        },
    }
    service.clients.endpoints.create_index_endpoint(
        parent=service.settings.parent, index_endpoint=endpoint
    ).result(timeout=60)
    build(service, "--endpoint", KIND)
    told = text(vertex(service, "network-ensure", "--private-service-connect", code=1))
    todo = "is REJECTED. Allow this project on the endpoint: set VERTEX_PSC_PROJECTS"
    assert f"'{name}-psc'" in told
    assert todo in told
    assert rules(service, name) == {f"{name}-psc": "REJECTED"}
    assert todo in text(vertex(service, "query", "--datapoint-id", "1", code=2))
    checked = text(vertex(service, "network-check", code=1))
    assert "REJECTED. Allow this project on the endpoint" in checked
    assert "--private-service-connect" not in checked, "making the rule again would change nothing"
    vertex(service, "network-teardown", "--yes")
    assert rules(service, name) == {}


def test_a_closed_connection_is_told_with_what_to_do(service, vertex, build, name):
    build(service, "--endpoint", KIND)
    vertex(service, "network-ensure", "--private-service-connect")
    (endpoint,) = service.endpoints(name)
    (deployed,) = endpoint.deployed_indexes
    service.clients.endpoints.undeploy_index(
        index_endpoint=endpoint.name, deployed_index_id=deployed.id
    ).result(timeout=60)
    assert rules(service, name) == {f"{name}-psc": "CLOSED"}
    checked = text(vertex(service, "network-check", code=1))
    assert "CLOSED. Its deployed index is gone: deploy it again" in checked
    again = text(vertex(service, "network-ensure", "--private-service-connect", code=1))
    assert f"vertex build --name {name} --data FILE.hdf5" in again

    build(service, "--endpoint", KIND)
    assert rules(service, name) == {f"{name}-psc": "CLOSED"}, "it leads to the attachment of before"
    vertex(service, "network-ensure", "--private-service-connect")
    assert rules(service, name) == {f"{name}-psc": "ACCEPTED"}
    vertex(service, "query", "--datapoint-id", "1")


def test_killed_after_each_of_its_changes_it_is_made_once_and_removed_whole(service, vertex, build, name):
    build(service, "--endpoint", KIND)
    before = len(service.writes)
    ensure = ("network-ensure", "--private-service-connect")
    for call in ("create network *", "create address *", "create forwarding rule *"):
        vertex(service, *ensure, code=-9, **{CRASH_AT: f"{call}#1:after"})
    vertex(service, *ensure)
    made = service.writes[before:]
    assert sorted(made) == sorted(
        ["compute.networks.insert", *["compute.firewalls.insert"] * 2, "compute.addresses.insert", "compute.forwardingRules.insert"]
    )  # fmt: skip
    vertex(service, "query", "--datapoint-id", "1")

    before = len(service.writes)
    for call in (
        "delete forwarding rule *",
        "delete address *",
        "delete firewall rule *",
        "delete network *",
    ):
        vertex(service, "network-teardown", "--yes", code=-9, **{CRASH_AT: f"{call}#1:after"})
    assert "Nothing to do" in vertex(service, "network-teardown", "--yes").err
    gone = service.writes[before:]
    assert sorted(gone) == sorted(each.replace("insert", "delete") for each in made)
    assert rules(service, name) == {}


def test_the_removal_of_a_peered_network_that_is_killed_again_and_again_ends_well(service, vertex):
    vertex(service, "network-ensure")
    before = len(service.writes)
    calls = ("disconnect *", "delete address range *", "delete firewall rule *", "delete network *")
    for call in calls:
        vertex(service, "network-teardown", "--yes", code=-9, **{CRASH_AT: f"{call}#1:before"})
        vertex(service, "network-teardown", "--yes", code=-9, **{CRASH_AT: f"{call}#1:after"})
    assert "Nothing to do" in vertex(service, "network-teardown", "--yes").err
    assert sorted(service.writes[before:]) == sorted(
        [
            "servicenetworking.services.connections.deleteConnection", "compute.globalAddresses.delete",
            *["compute.firewalls.delete"] * 2, "compute.networks.delete",
        ]
    )  # fmt: skip


def test_a_new_version_is_connected_by_its_build_measured_and_served_and_its_way_goes_with_it(
    service, vertex, build, other_data, name
):
    build(service, "--endpoint", KIND)
    before = len(service.writes)
    anew = ("--endpoint", KIND, "--as-version", "--min-recall", 0)
    refused = build(service, *anew, data=other_data, code=2).error
    assert (
        f"`vector-search vertex network-ensure --name {name} --private-service-connect --target sandbox` first"
        in refused
    )
    assert service.writes[before:] == []

    vertex(service, "network-ensure", "--private-service-connect")
    build(service, *anew, data=other_data)
    version = service.endpoints(name)[0].labels["serves"]
    assert version != "first"
    ways = {"first": f"{name}-psc", "new": f"{name}-{version}-psc"}
    assert rules(service, name) == dict.fromkeys(ways.values(), "ACCEPTED")
    vertex(service, "query", "--datapoint-id", "1")
    before = len(service.writes)
    build(service, *anew, data=other_data)
    vertex(service, "network-ensure", "--private-service-connect")
    assert service.writes[before:] == [], "a second run changes nothing"

    vertex(service, "rollback")
    vertex(service, "query", "--datapoint-id", "1")
    vertex(service, "prune", "--yes")
    assert rules(service, name) == {ways["first"]: "ACCEPTED"}
    vertex(service, "query", "--datapoint-id", "1")

    build(service, *anew, data=other_data)
    assert rules(service, name).keys() == set(ways.values())
    vertex(service, "teardown", "--yes")
    assert rules(service, name) == {ways["first"]: "CLOSED"}, (
        "what a build made goes, what network-ensure made stays"
    )
    vertex(service, "network-teardown", "--yes")
    assert rules(service, name) == {}
