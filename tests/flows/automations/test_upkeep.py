"""Automations in a real Prefect server: created, kept, removed, and nobody else's touched."""

from __future__ import annotations

import pytest

from flows.automations import catalog, upkeep

pytestmark = pytest.mark.slow

NAMES = [one.name for one in catalog.automations()]


def ensured(call, *seconds):
    return {one.name: one.done for one in upkeep.ensure(call, catalog.automations(*seconds))}


def foreign(**different):
    body = upkeep._body(catalog.automations()[0], enabled=True)
    return body | {"tags": ["theirs"]} | different


def test_they_are_created_once_changed_when_they_differ_and_removed(call, everything):
    dead, restarts = NAMES
    assert ensured(call) == {dead: "created", restarts: "created"}
    assert ensured(call) == {dead: "unchanged", restarts: "unchanged"}
    assert ensured(call, 60) == {dead: "changed", restarts: "unchanged"}
    (kept,) = [each for each in everything() if each["name"] == dead]
    assert kept["trigger"]["within"] == 180.0
    assert "180 s" in kept["description"]
    assert "180 s" in kept["actions"][0]["message"]
    assert {one.done for one in upkeep.remove(call, catalog.automations())} == {"removed"}
    assert everything() == []
    assert upkeep.remove(call, catalog.automations()) == []


def test_one_that_was_edited_by_hand_is_brought_back(call, everything):
    ensured(call)
    (edited,) = [each for each in everything() if each["name"] == NAMES[1]]
    edited["trigger"]["match"]["prefect.run-count"] = ["1", "2", "3", "4", "5"]
    body = {key: edited[key] for key in ("name", "description", "tags", "enabled", "trigger", "actions")}
    call("PUT", f"/automations/{edited['id']}", body)
    assert ensured(call) == {NAMES[0]: "unchanged", NAMES[1]: "changed"}


def test_one_that_is_switched_off_stays_off(call, everything):
    ensured(call)
    for each in everything():
        call("PATCH", f"/automations/{each['id']}", {"enabled": False})
    assert set(ensured(call).values()) == {"unchanged, switched off"}
    ensured(call, 60)
    assert not any(each["enabled"] for each in everything())


def test_somebody_elses_with_our_name_is_refused_and_nothing_is_changed(call, everything):
    call("POST", "/automations/", foreign())
    before = everything()
    for act in (upkeep.ensure, upkeep.remove):
        with pytest.raises(upkeep.NotOurs, match=f"automation '{NAMES[0]}'.*without the tag"):
            act(call, catalog.automations())
    assert everything() == before


def test_somebody_elses_with_another_name_is_left_alone(call, everything):
    call("POST", "/automations/", foreign(name="theirs"))
    ensured(call)
    upkeep.remove(call, catalog.automations())
    assert [each["name"] for each in everything()] == ["theirs"]


def test_twins_and_those_of_an_earlier_version_are_removed(call, everything):
    ensured(call)
    first = {each["name"]: each["id"] for each in everything()}
    call("POST", "/automations/", foreign(tags=[upkeep.MARK]))
    call("POST", "/automations/", foreign(tags=[upkeep.MARK], name="vector-search: of an earlier version"))
    assert ensured(call)["vector-search: of an earlier version"] == "removed"
    assert {each["name"]: each["id"] for each in everything()} == first


def test_the_command_tells_what_it_did_and_removes_all_of_it(everything, run):
    created = run(None, "automations", "--heartbeat-seconds", "40")
    assert created.out.count("created") == 2
    assert "no heartbeat for 120 s" in " ".join(created.out.split())
    assert "at least every 40 s" in created.out
    assert created.err == ""
    assert run(None, "automations", "--remove").out.count("removed") == 2
    assert "no automation" in run(None, "automations", "--remove").out
    assert everything() == []


def test_the_command_refuses_heartbeats_that_prefect_cannot_send(everything, run):
    assert "30" in run(None, "automations", "--heartbeat-seconds", "10", code=2).error
    assert everything() == []


@pytest.mark.usefixtures("everything")
def test_the_command_names_somebody_elses_automation(call, run):
    call("POST", "/automations/", foreign())
    assert f"Prefect has an automation {NAMES[0]!r}" in run(None, "automations", code=1).error
