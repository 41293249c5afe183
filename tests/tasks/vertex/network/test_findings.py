"""The check of a network: what is missing is named with the command that makes it."""

from __future__ import annotations

from tasks.program import on_target
from tasks.vertex.resources.network_findings import read_network_findings


def test_what_is_missing_is_named_with_the_command_that_makes_it(settings):
    with on_target("google-cloud"):
        *apis, network = read_network_findings.fn(settings, "nobodys", None)
    assert {finding.state for finding in apis} == {"ok"}
    assert (network.state, network.what) == ("missing", "network nobodys")
    assert network.command == "vector-search vertex network-ensure --name nobodys --target google-cloud"


def test_for_a_missing_network_of_somebody_else_the_command_makes_one_of_the_name(settings):
    network = read_network_findings.fn(settings, "nobodys", "theirs")[-1]
    assert (network.state, network.what) == ("missing", "network theirs")
    assert "--network" not in network.command


def test_a_peered_network_of_somebody_else_is_fine(settings):
    found = read_network_findings.fn(settings, "ours", "sandbox")
    assert {finding.state for finding in found} == {"ok"}
    assert found[-1].seen == "projects/123456789012/global/networks/sandbox with sandbox-range"
