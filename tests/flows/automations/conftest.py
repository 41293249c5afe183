"""The API of the session's Prefect server, on which every test leaves no automation."""

from __future__ import annotations

import pytest

from flows.stack import api


@pytest.fixture
def call(stack):
    """Requests to it."""
    return api.caller(stack.api_url, stack.key)


@pytest.fixture
def everything(call):
    """All automations of the server; none is left after the test."""

    def listed():
        return call("POST", "/automations/filter", {})

    yield listed
    for each in listed():
        call("DELETE", f"/automations/{each['id']}")
