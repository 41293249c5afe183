"""`vertex network-ensure` and `network-teardown`: whole runs, killed runs, refused input, nothing of others."""

from __future__ import annotations

import time

import pytest

from tasks.vertex.network.clients import connect_networks
from tests.flows.engine_commands import seen

TARGET = ("--target", "sandbox")
MADE = {
    "compute.networks.insert": 1,
    "compute.firewalls.insert": 2,
    "compute.globalAddresses.insert": 1,
    "servicenetworking.services.connections.create": 1,
}


@pytest.fixture
def ensure(run, name):
    return lambda service, *words, code=0: run(
        service, "vertex", "network-ensure", "--name", name, *TARGET, *words, code=code
    )


@pytest.fixture
def remove(run, name):
    return lambda service, *words, code=0: run(
        service, "vertex", "network-teardown", "--name", name, *TARGET, *words, code=code
    )


def networks(service):
    listed = connect_networks(service.settings).networks.list(project=service.settings.project)
    return {network.name for network in listed}


def counted(writes):
    return {method: writes.count(method) for method in writes}


def test_a_network_is_ensured_once_and_removed_once(service, ensure, remove, name):
    before, there = len(service.writes), networks(service)
    told = ensure(service)
    assert counted(service.writes[before:]) == MADE
    assert f"export VERTEX_NETWORK=projects/123456789012/global/networks/{name}" in told.err
    ensure(service)
    assert counted(service.writes[before:]) == MADE

    assert f"network {name}" in remove(service, code=2).err
    remove(service, "--yes")
    gone = len(service.writes)
    assert "Nothing to do" in remove(service, "--yes").err
    assert len(service.writes) == gone
    assert networks(service) == there


@pytest.mark.parametrize("opened", ["--ssh-from", "--rdp-from"])
def test_the_internet_is_let_in_only_with_a_yes(service, ensure, opened):
    before = len(service.writes)
    told = ensure(service, opened, "0.0.0.0/0", code=2)
    assert "0.0.0.0/0" in told.err
    assert "--yes" in told.err
    assert len(service.writes) == before


def test_a_check_names_what_is_missing_and_how_to_get_it(service, run, name):
    before = len(service.writes)
    told = run(service, "vertex", "network-check", "--name", name, *TARGET, code=1)
    assert f"network-ensure --name {name}" in told.err
    peered = run(
        service, "vertex", "network-check", "--name", name, "--network", "sandbox", *TARGET, "--json"
    )
    assert "ok: projects/123456789012/global/networks/sandbox with sandbox-range" in seen(peered)
    assert len(service.writes) == before


def test_a_new_project_gets_its_apis_enabled_first(service_with, ensure):
    service = service_with(peered_networks="")
    ensure(service)
    assert service.writes[0] == "serviceusage.services.batchEnable"


@pytest.mark.slow
@pytest.mark.parametrize("stage", MADE)
def test_killed_while_it_waits_the_next_run_makes_nothing_twice(
    service, begin, ensure, remove, kill, name, stage
):
    before = len(service.writes)
    service.fault(stage, "stall", "end", seconds=6)
    command = begin(service, "vertex", "network-ensure", "--name", name, *TARGET)
    while stage not in service.writes[before:]:
        assert not command.has_ended, command.err
        time.sleep(0.05)
    kill(command)
    ensure(service)
    made = counted(service.writes[before:])
    assert made | {"servicenetworking.services.connections.create": 1} == MADE
    remove(service, "--yes")


@pytest.mark.slow
def test_private_service_connect_is_made_and_queries_find_the_way(
    service_with, build, ensure, remove, run, teardown, name
):
    service = service_with(automated_endpoints=False)
    build(service, "--endpoint", "private-service-connect")
    query = ("vertex", "query", "--name", name, "--datapoint-id", "1", *TARGET)
    assert "VERTEX_PRIVATE_ADDRESS" in run(service, *query, code=2).err

    before = len(service.writes)
    ensure(service, "--private-service-connect")
    made = counted(service.writes[before:])
    assert (made["compute.addresses.insert"], made["compute.forwardingRules.insert"]) == (1, 1)
    ensure(service, "--private-service-connect")
    assert counted(service.writes[before:]) == made
    run(service, *query)

    service.restart()
    run(service, *query)
    remove(service, "--yes")
    assert name not in networks(service)
    run(service, *query, code=2)
    teardown(service)
