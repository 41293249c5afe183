"""The network, its firewall rules and its range: ensured, compared, removed, by the official clients against the stand-in."""

from __future__ import annotations

import itertools

import pytest

from sandbox import faults, write_log
from tasks.calls import ServiceRefused
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.network.clients import connect_networks
from tasks.vertex.network.compute import ComputeOperationFailed
from tasks.vertex.network.inventory import NetworkInUse, read_network_inventory, refuse_use
from tasks.vertex.network.peering import ensure_connection, read_connection, remove_connection
from tasks.vertex.network.vpc import (
    NetworkSpec,
    NoSuchNetwork,
    check_ranges,
    ensure_firewall_rules,
    ensure_network,
    ensure_range,
    is_world,
    read_network_to_change,
    remove_firewall_rules,
    remove_network,
    remove_range,
)

NUMBER = "123456789012"
_numbers = itertools.count()


@pytest.fixture
def spec():
    return NetworkSpec(name=f"net-{next(_numbers)}")


@pytest.fixture
def made(settings, deadline):
    """Makes everything of a specification, and returns what each step did."""

    def make(spec):
        return [
            ensure_network.fn(settings, spec, deadline).did,
            *ensure_firewall_rules.fn(settings, spec, deadline).there.values(),
            ensure_range.fn(settings, spec, deadline).did,
            ensure_connection.fn(settings, full(spec), spec.range_name, deadline).did,
        ]

    return make


@pytest.fixture
def writes(sandbox):
    """The methods of the changing calls since the test began."""
    before = write_log.count(sandbox.state)
    return lambda: [each.method for each in write_log.read(sandbox.state)[before:]]


def full(spec):
    return f"projects/{NUMBER}/global/networks/{spec.network}"


def insert(settings, **network):
    """A network of a stranger."""
    clients = connect_networks(settings)
    operation = clients.networks.insert_unary(
        project=settings.project, network_resource={"auto_create_subnetworks": True, **network}
    )
    while clients.global_operations.wait(project=settings.project, operation=operation.name).progress < 100:
        pass


def test_a_network_is_made_once_as_the_notebook_makes_it(settings, spec, made, writes):
    assert made(spec) == ["created"] * 5
    first = writes()
    assert set(made(spec)) == {"nothing"}
    assert writes() == first
    assert len(first) == 5
    clients = connect_networks(settings)
    network = clients.networks.get(project=settings.project, network=spec.network)
    assert network.auto_create_subnetworks
    assert network.routing_config.routing_mode == "REGIONAL"
    assert [each.name for each in network.peerings] == ["servicenetworking-googleapis-com"]
    rules = {
        rule.name: (sorted(rule.source_ranges), sorted(one.I_p_protocol for one in rule.allowed))
        for rule in clients.firewalls.list(project=settings.project)
        if rule.network.endswith(f"/{spec.network}")
    }
    assert rules == {
        f"{spec.name}-allow-icmp": (["10.128.0.0/9"], ["icmp"]),
        f"{spec.name}-allow-internal": (["10.128.0.0/9"], ["icmp", "tcp", "udp"]),
    }
    assert clients.ranges.get(project=settings.project, address=spec.range_name).prefix_length == 16


def test_everything_is_removed_and_only_once(settings, spec, made, deadline, writes):
    made(spec)
    before = len(writes())
    for _ in range(2):
        remove_connection.fn(settings, full(spec), (spec.range_name,), deadline)
        for remove in (remove_range, remove_firewall_rules, remove_network):
            remove.fn(settings, spec.name, deadline)
    assert len(writes()) - before == 5
    assert read_network_inventory.fn(settings, spec.name, NUMBER, deadline).is_empty


def test_ssh_and_rdp_are_let_in_only_from_where_it_was_asked_for(settings, spec, made, deadline):
    made(spec)
    asked = spec.model_copy(update={"ssh_from": ("203.0.113.0/24",), "rdp_from": ("203.0.113.7/32",)})
    done = ensure_firewall_rules.fn(settings, asked, deadline).there
    assert [done[f"{spec.name}-allow-{rule}"] for rule in ("icmp", "ssh", "rdp")] == [
        "nothing",
        "created",
        "created",
    ]
    other = asked.model_copy(update={"ssh_from": ("198.51.100.0/24",), "rdp_from": ()})
    done = ensure_firewall_rules.fn(settings, other, deadline).there
    assert [done[f"{spec.name}-allow-{rule}"] for rule in ("icmp", "ssh", "rdp")] == [
        "nothing",
        "changed",
        "changed",
    ]
    rules = {rule.name: rule for rule in connect_networks(settings).firewalls.list(project=settings.project)}
    assert list(rules[f"{spec.name}-allow-ssh"].source_ranges) == ["198.51.100.0/24"]
    assert f"{spec.name}-allow-rdp" not in rules


@pytest.mark.parametrize(
    ("text", "world"), [("0.0.0.0/0", True), ("128.0.0.0/1", True), ("10.0.0.0/8", False)]
)
def test_the_world_is_known_whatever_it_is_cut_into(text, world):
    assert is_world(text) is world


@pytest.mark.parametrize("text", ["anywhere", "203.0.113.7/24", "::/0", ""])
def test_what_is_no_range_is_refused_with_its_option(text):
    with pytest.raises(InvalidInput, match=r"--ssh-from.*CIDR"):
        check_ranges(("203.0.113.0/24", text), option="--ssh-from")


def test_a_network_of_our_name_without_our_mark_is_refused_before_anything_is_made(
    settings, spec, deadline, writes
):
    insert(settings, name=spec.name)
    before = writes()
    for step in (read_network_to_change.fn, lambda *given: ensure_network.fn(*given, deadline)):
        with pytest.raises(NotOurs, match=f"--network {spec.name}"):
            step(settings, spec)
    remove_network.fn(settings, spec.name, deadline)
    assert writes() == before


def test_a_network_of_somebody_else_is_used_and_never_removed(settings, spec, made, deadline):
    insert(settings, name=f"{spec.name}-theirs")
    theirs = spec.model_copy(update={"existing": f"{spec.name}-theirs"})
    read_network_to_change.fn(settings, theirs)
    assert made(theirs) == ["nothing", "created", "created"]
    there = read_network_inventory.fn(settings, spec.name, NUMBER, deadline)
    assert (there.networks, there.firewall_rules) == ((), ())
    assert there.connections == (full(theirs),)
    remove_connection.fn(settings, full(theirs), there.ranges, deadline)
    remove_range.fn(settings, spec.name, deadline)
    remove_network.fn(settings, spec.name, deadline)
    assert connect_networks(settings).networks.get(project=settings.project, network=theirs.network)


def test_a_network_that_is_not_there_cannot_be_used(settings, spec):
    with pytest.raises(NoSuchNetwork, match="no network 'nobodys'"):
        read_network_to_change.fn(settings, spec.model_copy(update={"existing": "nobodys"}))


def test_a_range_of_another_size_is_refused_with_both(settings, spec, made, deadline):
    made(spec)
    larger = spec.model_copy(update={"prefix_length": 14})
    with pytest.raises(CannotChangeInPlace, match="prefix length=16, but 14"):
        ensure_range.fn(settings, larger, deadline)


def test_ranges_of_others_stay_in_a_connection(settings, spec, made, deadline):
    made(spec)
    clients = connect_networks(settings)
    theirs = {
        "name": f"{spec.name}-theirs",
        "address_type": "INTERNAL",
        "purpose": "VPC_PEERING",
        "prefix_length": 20,
        "network": f"global/networks/{spec.network}",
    }
    operation = clients.ranges.insert_unary(project=settings.project, address_resource=theirs)
    clients.global_operations.wait(project=settings.project, operation=operation.name)
    while not [one for one in clients.ranges.list(project=settings.project) if one.name == theirs["name"]]:
        pass
    assert ensure_connection.fn(settings, full(spec), theirs["name"], deadline).did == "changed"
    assert remove_connection.fn(settings, full(spec), (spec.range_name,), deadline) == (spec.range_name,)
    connection = read_connection.fn(settings, full(spec))
    assert connection
    assert connection.ranges == (theirs["name"],)
    with pytest.raises(ServiceRefused, match=f"already being used by.*{spec.name}"):
        remove_network.fn(settings, spec.name, deadline)


def test_an_operation_that_is_done_with_an_error_is_a_failure(sandbox, settings, spec, deadline):
    faults.add(sandbox.state, "compute.networks.insert", "internal", "end")
    with pytest.raises(ComputeOperationFailed, match=r"create network.*INTERNAL_ERROR"):
        ensure_network.fn(settings, spec, deadline)
    assert ensure_network.fn(settings, spec, deadline).did == "created"


@pytest.mark.parametrize("kind", ["unavailable", "reset"])
def test_a_lost_reply_makes_nothing_twice(sandbox, settings, spec, deadline, writes, kind):
    faults.add(sandbox.state, "compute.networks.insert", kind, "after")
    assert ensure_network.fn(settings, spec, deadline).there == spec.name
    assert writes() == ["compute.networks.insert"]


def test_a_network_with_endpoints_is_not_disconnected(settings, spec, made, deadline):
    made(spec)
    there = read_network_inventory.fn(settings, spec.name, NUMBER, deadline)
    refuse_use(spec.name, there)
    connect(settings).endpoints.create_index_endpoint(
        parent=settings.parent, index_endpoint={"display_name": "in the way", "network": full(spec)}
    ).result()
    there = read_network_inventory.fn(settings, spec.name, NUMBER, deadline)
    with pytest.raises(NetworkInUse, match="in the way"):
        refuse_use(spec.name, there)
    with pytest.raises(OperationFailed, match="still using this connection"):
        remove_connection.fn(settings, full(spec), there.ranges, deadline)
