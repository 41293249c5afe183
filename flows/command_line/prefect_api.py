"""The Prefect API that a command uses: it is configured, it answers, it takes our credentials."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import refresh_global_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from flows.automations.upkeep import Call
from flows.running.outage import short_calls
from flows.stack.prefect_settings import without_proxy
from flows.stack.stack import Stack
from tasks.errors import InvalidInput, TransientError
from tasks.program import PROGRAM
from tasks.redaction import hide, hide_userinfo
from tasks.settings import home


def use_api() -> str:
    """Make sure that a Prefect API is configured and responds: the one in Prefect's settings, else the one that `up` started.

    Returns:
        Its address.

    Raises:
        InvalidInput: none is configured, and no local stack is running; or it refuses our credentials.
        NoKey: the key of the local stack is missing, or must not be used.
        TransientError: it does not respond.
    """
    os.environ["NO_PROXY"] = without_proxy()
    api = get_current_settings().api
    # Those of a profile, which no variable holds.
    for secret in (api.key, api.auth_string):
        hide(secret.get_secret_value() if secret else None)
    hide_userinfo(api.url)
    stack = Stack(home())
    url = api.url
    if url is None or url == stack.api_url:
        url = stack.api_url
        if url is None:
            raise InvalidInput(
                "Prefect's settings name no API, and no local stack is running",
                source=f"PREFECT_API_URL, Prefect's profile, {home()}",
                remedy=f"Start the local stack with `{PROGRAM} up`, or set PREFECT_API_URL to the address of a server.",
            )
        # A shell may hold the key that an earlier stack had.
        os.environ |= {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": stack.key}
        refresh_global_settings_context()
    with short_calls() as client:
        trouble = client.api_healthcheck()
        if trouble is not None:
            raise TransientError(
                f"Prefect's API at {url} does not answer ({trouble or type(trouble).__name__}). `{PROGRAM} up` starts a "
                "local one; PREFECT_API_URL or Prefect's profile sets the address."
            )
        _check_credentials(client, url)
    return url


def _check_credentials(client: SyncPrefectClient, url: str) -> None:
    try:
        client.read_flows(limit=1)  # a health check needs none
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise
        raise InvalidInput(
            f"Prefect's API at {url} refuses our credentials ({error.response.status_code})",
            source="PREFECT_API_AUTH_STRING, PREFECT_API_KEY, Prefect's profile",
            remedy=f'For a local stack, set VECTOR_SEARCH_HOME to its folder and run `eval "$({PROGRAM} env)"`.',
        ) from error


@contextmanager
def requests() -> Generator[Call]:
    """Requests to the API in use, as `flows.automations` makes them: with the credentials and certificates of Prefect's client."""
    with get_client(sync_client=True) as client:

        def call(method: str, path: str, body: Any = None, /) -> Any:
            answer = client.request(cast("Any", method), cast("Any", path), json=body)
            return answer.json() if answer.content else None

        yield call


def runs_automations(call: Call) -> bool:
    """Whether the server evaluates automations. One that keeps its settings to itself, as Prefect Cloud does, is believed to."""
    try:
        services = call("GET", "/admin/settings")["server"]["services"]
        return bool(services["triggers"]["enabled"])
    except (HTTPStatusError, KeyError, TypeError, ValueError):
        return True
