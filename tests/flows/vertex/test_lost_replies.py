"""Trouble within one run: lost replies, throttling, outages. The flow carries on, and nothing is made twice."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
METHODS = ("CreateIndex", "CreateIndexEndpoint", "DeployIndex")


def test_one_run_survives_lost_replies_throttling_and_resets_with_one_of_each(service_with, build, name):
    service = service_with(list_while_creating=False, listing_delay=2.0)
    before = len(service.writes)
    for method, kind in zip(METHODS, ("throttled", "unavailable", "reset"), strict=True):
        service.fault(method, kind, "before")
        service.fault(method, "unavailable", "after")
    service.fault("GetOperation", "unavailable", times=2)
    service.fault("ListOperations", "throttled")

    command = build(service)
    assert "Trying again" in command.err
    assert service.counts(name) == (1, 1, 1)
    assert sorted(service.made_since(before)) == sorted(METHODS)
    for change in ("created the index", "created the endpoint", "deployed the index"):
        assert change in command.err


def test_a_lost_reply_to_an_overwrite_is_found_again(service, build, name, other_data):
    build(service)
    before = len(service.writes)
    service.fault("UpdateIndex", "unavailable", "after", times=3)
    build(service, "--yes", data=other_data)
    assert service.counts(name) == (1, 1, 1)
    assert service.writes[before:].count("UpdateIndex") <= 5, (
        "an overwrite whose end was not seen is repeated once"
    )
    before = len(service.writes)
    assert "Nothing to do" in build(service, data=other_data).err
    assert len(service.writes) == before


def test_the_flow_carries_on_when_the_service_dies_and_comes_back_during_a_wait(
    service_with, build, begin, name
):
    service = service_with(advance="reads", reads=41)
    before = len(service.writes)
    command = build(service, begin=begin).wait_for(f"create index {name}: running")
    service.restart()
    assert service.drive(command).code == 0, command.err
    assert service.counts(name) == (1, 1, 1)
    assert sorted(service.made_since(before)) == sorted(METHODS)
    for change in ("created the index", "created the endpoint", "deployed the index"):
        assert change in command.err
