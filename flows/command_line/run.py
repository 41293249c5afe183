"""Running a flow from the command line: which Prefect API it uses, what is shown, what is asked."""

from __future__ import annotations

import logging
import os
import sys
from http import HTTPStatus
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import refresh_global_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings
from rich.console import Console
from rich.prompt import Confirm
from rich.text import Text

from flows.command_line.endings import Interrupted
from flows.command_line.outage import Watch, standing
from flows.console import Terminal, take_over
from flows.stack.prefect_settings import without_proxy
from flows.stack.stack import Stack
from tasks.errors import InvalidInput, NotConfirmed, TransientError
from tasks.program import PROGRAM
from tasks.redaction import hide, hide_userinfo
from tasks.settings import home


def run(flow: Any, parameters: dict[str, object], *, debug: bool, may_confirm: bool) -> None:
    """Run a flow to its end and print its report.

    Args:
        flow: a Prefect flow; what it returns is printed if it can `render()`.
        parameters: by name; omitted ones keep the flow's defaults.
        debug: show stack traces and Prefect's own lines.
        may_confirm: the flow has a parameter `yes`, so a person may be asked.

    Raises:
        InvalidInput: no Prefect API is configured and no local stack is running.
        Interrupted: by Ctrl-C or a signal.
    """
    watch = Watch(use_api()).start()
    console = Console(stderr=True)
    terminal = take_over(console, debug=debug)
    # `logging` advises this for production. Prefect's queue of logs looks at it before it writes to stderr by itself.
    logging.raiseExceptions = debug
    try:
        result = _agreed(standing(flow, watch), parameters, terminal, may_confirm=may_confirm)
    except KeyboardInterrupt:
        raise Interrupted(terminal.last) from None
    finally:
        terminal.end()
    if hasattr(result, "render"):
        Console().print(result.render(), crop=False)  # a path must stay whole


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
    with get_client(sync_client=True) as client:
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


def _agreed(flow: Any, parameters: dict[str, object], terminal: Terminal, *, may_confirm: bool) -> Any:
    """Run a flow; if it needs a confirmation and a person is there, ask, and run it again with `yes`."""
    try:
        return flow(**parameters)
    except NotConfirmed as error:
        terminal.end()
        if not (may_confirm and sys.stdin.isatty() and terminal.console.is_terminal):
            raise
        # Nothing has been paid for or deleted yet, and the second run resumes from what is there.
        question = Text(f"{error.step}. {error.consequence} Continue?", style="prompt")
        if not Confirm.ask(question, console=terminal.console, default=False):
            raise
        return flow(**{**parameters, "yes": True})
