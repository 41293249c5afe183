"""The check of a network: what is missing is named with the command that makes it."""

from __future__ import annotations

from tasks.vertex.resources.network_findings import read_network_findings


def test_what_is_missing_is_named_with_the_command_that_makes_it(settings):
    *apis, network = read_network_findings.fn(settings, "nobodys", None)
    assert {finding.state for finding in apis} == {"ok"}
    assert (network.state, network.what) == ("missing", "network nobodys")
    assert network.command.endswith("vertex network-ensure --name nobodys")


def test_a_peered_network_of_somebody_else_is_fine(settings):
    found = read_network_findings.fn(settings, "ours", "sandbox")
    assert {finding.state for finding in found} == {"ok"}
    assert found[-1].seen == "projects/123456789012/global/networks/sandbox with sandbox-range"
