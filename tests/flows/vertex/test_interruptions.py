"""Ctrl-C and SIGTERM during a wait: what goes on is said, and the command that goes on."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.slow
BY_LOOKS = {"advance": "reads", "reads": 40}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_build_says_what_goes_on_and_the_command_that_goes_on(
    number, service_with, build, begin, name, data
):
    service = service_with(**BY_LOOKS)
    before = len(service.writes)
    command = build(service, begin=begin).wait_for(f"create index {name}: running")
    assert command.signal(number) == 130
    (operation,) = service.unfinished
    assert f"create index {name} is still running at the service ({operation.name})" in command.err
    assert f"vector-search vertex build --name {name} --data {data} --target sandbox" in command.error

    # The slot is given back at once: the next run does not wait for it.
    command = service.drive(build(service, begin=begin))
    assert command.code == 0, command.err
    assert "Another run is working on" not in command.err
    assert sorted(service.made_since(before)) == ["CreateIndex", "CreateIndexEndpoint", "DeployIndex"]


def test_when_interrupted_cancel_ends_the_operation(service_with, build, begin, name):
    service = service_with(**BY_LOOKS)
    command = build(service, "--when-interrupted", "cancel", begin=begin).wait_for(
        f"create index {name}: running"
    )
    assert command.signal(signal.SIGINT) == 130
    assert f"requested the cancellation of create index {name}" in command.err
    assert not service.unfinished
    assert service.counts(name) == (0, 0, 0)
