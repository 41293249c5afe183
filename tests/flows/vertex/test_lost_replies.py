"""Trouble within one run: lost replies, throttling, outages. The flow carries on, and nothing is made twice."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow
METHODS = ("CreateIndex", "CreateIndexEndpoint", "DeployIndex")


def test_one_run_survives_lost_replies_throttling_and_resets_with_one_of_each(town_with, build, name):
    town = town_with(list_while_creating=False, listing_delay=2.0)
    before = len(town.writes)
    for method, kind in zip(METHODS, ("throttled", "unavailable", "reset"), strict=True):
        town.fault(method, kind, "before")
        town.fault(method, "unavailable", "after")
    town.fault("GetOperation", "unavailable", times=2)
    town.fault("ListOperations", "throttled")

    command = build(town)
    assert "Trying again" in command.err
    assert town.counts(name) == (1, 1, 1)
    assert sorted(town.writes[before:]) == sorted(METHODS)


def test_a_lost_reply_to_an_overwrite_is_found_again(town, build, name, other_data):
    build(town)
    before = len(town.writes)
    town.fault("UpdateIndex", "unavailable", "after", times=3)
    build(town, "--yes", data=other_data)
    assert town.counts(name) == (1, 1, 1)
    assert town.writes[before:].count("UpdateIndex") <= 5, (
        "an overwrite whose end was not seen is repeated once"
    )
    before = len(town.writes)
    assert "Nothing to do" in build(town, data=other_data).err
    assert len(town.writes) == before


def test_the_flow_carries_on_when_the_service_dies_and_comes_back_during_a_wait(
    town_with, build, begin, name
):
    town = town_with(advance="reads", reads=41)
    before = len(town.writes)
    command = build(town, begin=begin).wait_for(f"create index {name}: running")
    town.restart()
    assert town.drive(command).code == 0, command.err
    assert town.counts(name) == (1, 1, 1)
    assert sorted(town.writes[before:]) == sorted(METHODS)
