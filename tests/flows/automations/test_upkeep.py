"""Automations in a real Prefect server: created, kept, removed, and nobody else's touched."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock

from flows.automations import catalog, upkeep
from flows.sweeping.events import SWEPT, SWEPT_TARGET
from tests.flows.automations.test_catalog import Run
from tests.flows.client_settings import client_settings
from tests.polling import PATIENCE, until

pytestmark = pytest.mark.slow

NAMES = [one.name for one in catalog.automations()]


def ensured(call, *seconds):
    return {one.name: one.done for one in upkeep.ensure(call, catalog.automations(*seconds))}


def foreign(**different):
    body = upkeep._body(catalog.automations()[0], enabled=True)
    return body | {"tags": ["theirs"]} | different


def test_they_are_created_once_changed_when_they_differ_and_removed(call, everything):
    dead, *others = NAMES
    assert ensured(call) == dict.fromkeys(NAMES, "created")
    assert ensured(call) == dict.fromkeys(NAMES, "unchanged")
    assert ensured(call, 60) == {dead: "changed", **dict.fromkeys(others, "unchanged")}
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
    assert ensured(call) == dict.fromkeys(NAMES, "unchanged") | {NAMES[1]: "changed"}


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
    assert created.out.count("created") == len(NAMES)
    assert "no heartbeat for 120 s" in " ".join(created.out.split())
    assert "at least every 40 s" in created.out
    assert created.err == ""
    assert run(None, "automations", "--remove").out.count("removed") == len(NAMES)
    assert "no automation" in run(None, "automations", "--remove").out
    assert everything() == []


def test_the_command_refuses_heartbeats_that_prefect_cannot_send(everything, run):
    assert "30" in run(None, "automations", "--heartbeat-seconds", "10", code=2).error
    assert everything() == []


@pytest.mark.usefixtures("everything")
def test_the_command_names_somebody_elses_automation(call, run):
    call("POST", "/automations/", foreign())
    assert f"Prefect has an automation {NAMES[0]!r}" in run(None, "automations", code=1).error


class Told(BaseHTTPRequestHandler):
    """Takes what Prefect posts."""

    def do_POST(self):
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def told():
    """A web hook: its address, and what was posted to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        server.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", server.told
        server.shutdown()


@pytest.mark.usefixtures("everything")
def test_people_are_told_of_failed_gates_late_runs_and_sweeps_through_the_block_of_their_choice(
    call, told, run, stack
):
    address, messages = told
    with client_settings(stack):
        body = {"subject": "{{subject}}", "body": "{{body}}"}
        CustomWebhookNotificationBlock(name="hook", url=address, json_data=body).save("on-call")
    error = run(None, "automations", "--notify", "slack-webhook/nobody", code=2).error
    assert "Accepted: custom-webhook/on-call" in error
    assert (
        run(None, "automations", "--notify", "custom-webhook/on-call").out.count("created") == len(NAMES) + 3
    )
    assert run(None, "automations").out.count("unchanged") == len(NAMES) + 3  # the block is kept

    failed = Run(call)
    failed.becomes("FAILED", message="GateNotMet: recall@10 is 0.5, below 0.9.")
    Run(call).becomes("SCHEDULED", "Late")
    event = {"id": str(uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": SWEPT}
    about = {"prefect.resource.id": f"{SWEPT_TARGET}sandbox", "prefect.resource.name": "sandbox"}
    queue = {"prefect.resource.id": "prefect.work-queue.1", "prefect.resource.role": "work-queue"}
    found = {"found": "vertex films (idle). About 18.00 USD a day at list prices."}
    call("POST", "/events", [event | {"resource": about, "related": [queue], "payload": found}])
    until(lambda: len(messages) >= 3, "three messages", PATIENCE)
    said = "\n".join(f"{one['subject']} | {one['body']}" for one in messages)
    assert ": Failed | GateNotMet: recall@10 is 0.5, below 0.9." in said
    assert f"/runs/flow-run/{failed.id}" in said
    assert " is late | No worker has begun the run" in said
    assert "To sweep on sandbox | vertex films (idle). About 18.00 USD a day" in said

    assert run(None, "automations", "--notify", "none").out.count("removed") == 3
