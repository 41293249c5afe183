"""What a process that runs a flow does when Prefect's API stops answering: the work goes on, and ends when it is done.

By itself, Prefect's client repeats every single call for a minute, in the middle of the work, a server that hangs takes
another minute for each of them, and the queues of events and logs keep the process alive at its end until each was tried
eleven times. An outage that is shorter than `PATIENCE_SECONDS` is left to them, because they lose nothing; from then on
nothing waits for Prefect any more.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from inspect import iscoroutinefunction
from typing import Any, ClassVar, NamedTuple

from httpx import ConnectError, HTTPStatusError, Request
from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import State
from prefect.context import SettingsContext, get_settings_context, refresh_global_settings_context
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_CLIENT_MAX_RETRIES,
    get_current_settings,
)

from flows.console import duration
from tasks.program import PROGRAM

PATIENCE_SECONDS = 15.0
"""How long Prefect's API may be silent before nothing waits for it any more. A local server restarts in 5 to 12 s."""
_RETRIES = 3
"""Of one call of Prefect's client, after 2, 4 and 8 s: a call begun in an outage is over before the work has waited long."""
_LOOK_SECONDS = 1.0
_LOOK_TIMEOUT_SECONDS = 5.0
BUSY_SECONDS = 60.0
"""How long a call is repeated that the API answers with 503, which a local server does while another call locks its database."""
_CALL_SECONDS = 10.0
"""How long one call may take: a server that hangs accepts every connection and never answers. Prefect's default is 60."""
_RETRIES_VARIABLE = PREFECT_CLIENT_MAX_RETRIES.name
_SERVER_ERROR = 500
_BUSY = 503

_log = logging.getLogger("vector_search_ops")


class _Ended(NamedTuple):
    """How a flow's own function ended."""

    result: Any = None
    error: BaseException | None = None


class Watch:
    """Looks at Prefect's API while a command runs, says when it is gone and when it is back, and ends the command without it.

    Args:
        url: the API's address, for people.
    """

    current: ClassVar[Watch | None] = None
    """The one of this process, once it has started."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_gone = False
        """The API has been silent for longer than our patience, and calls to it fail at once."""
        self._silent_since: float | None = None
        self._code: int | None = None
        self._looking: int | None = None
        self._lock = threading.Lock()
        self._retries = os.environ.get(_RETRIES_VARIABLE)
        if "max_retries" not in get_current_settings().client.model_fields_set:
            self._retries = str(_RETRIES)

    def start(self) -> Watch:
        """Look from now on, until the process ends."""
        Watch.current = self
        if "request_timeout" not in get_current_settings().api.model_fields_set:
            os.environ[PREFECT_API_REQUEST_TIMEOUT.name] = str(_CALL_SECONDS)
        self._allow_retries(self._retries)
        for client in (PrefectHttpxSyncClient, PrefectHttpxAsyncClient):
            client.send = _patient(client.send)
        threading.Thread(target=self._keep_looking, name="watch of Prefect's API", daemon=True).start()
        return self

    def leave(self, code: int) -> None:
        """See the function `leave`."""
        self._code = code
        if self.is_gone:
            _exit(code)

    def explain(self, error: Exception) -> None:
        """Say why Prefect could not record how a run has ended."""
        with short_calls(_LOOK_TIMEOUT_SECONDS, retries=0) as client:
            if _answers(client):
                _log.warning(
                    "The run has ended, but Prefect did not record it: %s", " ".join(str(error).split())
                )
            else:
                self._is_silent(time.monotonic(), patience=0.0)

    def _keep_looking(self) -> None:
        with short_calls(_LOOK_TIMEOUT_SECONDS, retries=0) as client:
            self._looking = threading.get_ident()
            while True:
                self._look(client)
                time.sleep(_LOOK_SECONDS)

    def _look(self, client: SyncPrefectClient) -> bool:
        began = time.monotonic()
        if answers := _answers(client):
            self._is_there()
        else:
            self._is_silent(began, patience=PATIENCE_SECONDS)
        return answers

    def fails_at_once(self) -> bool:
        """Whether a call in this thread would only wait for a server that is gone."""
        return self.is_gone and threading.get_ident() != self._looking

    def settle(self) -> None:
        """Wait until it is known whether the API answers or is gone."""
        with short_calls(_LOOK_TIMEOUT_SECONDS, retries=0) as client:
            while not (self.is_gone or self._look(client)):
                time.sleep(_LOOK_SECONDS)

    def _is_there(self) -> None:
        with self._lock:
            since, self._silent_since = self._silent_since, None
            if self.is_gone and since is not None:
                self._allow_retries(self._retries)
                self.is_gone = False
                _log.info("Prefect's API answers again, after %s.", duration(time.monotonic() - since))

    def _is_silent(self, since: float, *, patience: float) -> None:
        with self._lock:
            if self._silent_since is None:
                self._silent_since = since
            if self.is_gone or time.monotonic() - self._silent_since < patience:
                return
            self._allow_retries("0")
            self.is_gone = True
            _log.warning(
                "Prefect's API at %s does not answer any more. The work goes on without it and ends as usual, with its "
                "report and its exit code, but Prefect cannot show how the run continues. If this is the server of the "
                "local stack, `%s up` starts it again.",
                self.url,
                PROGRAM,
            )
            if self._code is not None:
                _exit(self._code)

    def _allow_retries(self, retries: str | None) -> None:
        """Set Prefect's number of retries for every thread that has no settings of its own, even for calls under way."""
        if retries == os.environ.get(_RETRIES_VARIABLE):
            return  # reading all of Prefect's settings again takes a sixth of a second
        if retries is None:
            os.environ.pop(_RETRIES_VARIABLE, None)
        else:
            os.environ[_RETRIES_VARIABLE] = retries
        refresh_global_settings_context()


def leave(code: int) -> None:
    """End the process without Prefect's queues if its API is gone, or as soon as it is.

    Args:
        code: the exit code; everything else must have been printed.
    """
    if Watch.current is not None:
        _end_on_signals(code)
        Watch.current.leave(code)


def _end_on_signals(code: int) -> None:
    """From here on only Prefect's queues are waited for: a signal ends that with the code, not with a stack trace."""
    _flush()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: os._exit(code))


def _called(flow: Any, parameters: dict[str, Any]) -> Any:
    return flow(**parameters)


def standing(
    flow: Any, watch: Watch, start: Callable[[Any, dict[str, Any]], Any] = _called
) -> Callable[..., Any]:
    """A flow whose outcome is that of its own function: what Prefect makes of it afterwards changes nothing.

    Args:
        flow: a Prefect flow.
        watch: explains why Prefect could not record the end.
        start: runs the flow with parameters; default: calls it.
    """

    def call(**parameters: object) -> Any:
        ended: list[_Ended] = []
        noted = copy.copy(flow)
        noted.fn = _noting(flow.fn, ended)
        try:
            return start(noted, parameters)
        except Exception as error:
            if not ended or error is ended[0].error:
                raise
            watch.explain(error)
            if ended[0].error is not None:
                raise ended[0].error from None
            return ended[0].result

    return call


def _noting(function: Callable[..., Any], ended: list[_Ended]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noting(**parameters: object) -> Any:
        try:
            result = function(**parameters)
        except BaseException as error:
            ended.append(_Ended(error=error))
            raise
        # A state stands for the error in it, which Prefect raises: so ends a run that nobody agreed to.
        error: Any = result.data if isinstance(result, State) else None
        ended.append(_Ended(result, error))
        return result

    return noting


def _patient(send: Callable[..., Any]) -> Callable[..., Any]:
    """A client's method for one request that fails at once while the API is gone, and is repeated while it is busy.

    Prefect has no setting for either: its few retries are over while a busy database is still locked.
    """

    @functools.wraps(send)
    def sending(client: Any, request: Request, *arguments: Any, **options: Any) -> Any:
        until = time.monotonic() + BUSY_SECONDS
        while True:
            with _told_as_gone(request), _unless_busy(until):
                return send(client, request, *arguments, **options)
            time.sleep(_pause())

    @functools.wraps(send)
    async def awaiting(client: Any, request: Request, *arguments: Any, **options: Any) -> Any:
        until = time.monotonic() + BUSY_SECONDS
        while True:
            with _told_as_gone(request), _unless_busy(until):
                return await send(client, request, *arguments, **options)
            await asyncio.sleep(_pause())

    return awaiting if iscoroutinefunction(send) else sending


@contextmanager
def _unless_busy(until: float) -> Generator[None]:
    """Pass over the answer that the API is busy, unless it is too late or the caller asked for fewer retries than ours."""
    try:
        yield
    except HTTPStatusError as error:
        patient = PREFECT_CLIENT_MAX_RETRIES.value() >= _RETRIES and time.monotonic() < until
        if error.response.status_code != _BUSY or not patient:
            raise


def _pause() -> float:
    """Seconds before the next try, never the same, because the callers that meet at a locked database come together."""
    return random.uniform(0.5, 1.5)  # noqa: S311 -- no secret


@contextmanager
def _told_as_gone(request: Request) -> Generator[None]:
    """Raise ConnectError at once while the API is gone, and for a call whose retries ended while it paused between them.

    Prefect's loop takes that for a mistake of its own, an AssertionError: the number of retries fell beneath it.
    """
    gone = ConnectError("Prefect's API does not answer any more", request=request)
    if Watch.current is not None and Watch.current.fails_at_once():
        raise gone
    try:
        yield
    except AssertionError as error:
        if Watch.current is not None and Watch.current.fails_at_once():
            raise gone from error
        raise


@contextmanager
def short_calls(seconds: float = _CALL_SECONDS, retries: int = 1) -> Generator[SyncPrefectClient]:
    """A client whose calls end soon, whatever the settings of everything else are."""
    context = get_settings_context()
    settings = context.settings
    # Not `temporary_settings`, which reads and checks all of Prefect's settings again: a fifth of a short command's time.
    soon = {
        "client": settings.client.model_copy(update={"max_retries": retries}),
        "api": settings.api.model_copy(update={"request_timeout": seconds}),
    }
    short = SettingsContext(profile=context.profile, settings=settings.model_copy(update=soon))
    with short, get_client(sync_client=True) as client:
        yield client


def _answers(client: SyncPrefectClient) -> bool:
    """Whether the API answers, be it with a refusal."""
    trouble = client.api_healthcheck()
    refused = isinstance(trouble, HTTPStatusError) and trouble.response.status_code < _SERVER_ERROR
    return trouble is None or refused


def _exit(code: int) -> None:
    """End the process at once. Prefect's queues would hold it up by 9 s for each event that nobody takes any more."""
    _flush()
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
