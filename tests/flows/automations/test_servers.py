"""Servers that are not the local stack's: what they tell about their automations, and how often their runs send heartbeats."""

from __future__ import annotations

import httpx
import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.command_line.automations import _heartbeat
from flows.command_line.prefect_api import runs_automations
from tasks.errors import InvalidInput


def telling(services):
    return lambda *_: {"server": {"services": services}}


def refusing(*_):
    request = httpx.Request("GET", "https://api.prefect.cloud/admin/settings")
    raise httpx.HTTPStatusError("404", request=request, response=httpx.Response(404, request=request))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (telling({"triggers": {"enabled": True}}), True),
        (telling({"triggers": {"enabled": False}}), False),
        (telling({}), True),
        (lambda *_: None, True),
        (refusing, True),
    ],
    ids=["switched on", "switched off", "another version", "nothing", "Prefect Cloud"],
)
def test_a_server_that_says_so_evaluates_no_triggers(call, expected):
    assert runs_automations(call) is expected


@pytest.mark.parametrize(
    ("setting", "local", "expected"), [(60, False, 60), (60, True, 30), (None, True, 30)]
)
def test_the_heartbeat_is_that_of_prefects_settings_but_on_the_local_stack_it_is_the_stacks(
    setting, local, expected
):
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: setting}):
        assert _heartbeat(is_local=local) == expected


def test_without_heartbeats_nothing_can_be_found_and_that_is_said():
    with (
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        pytest.raises(InvalidInput, match=r"heartbeats off.*--heartbeat-seconds"),
    ):
        _heartbeat(is_local=False)
