"""The few requests of the local stack to its Prefect server, by plain HTTP: Prefect's own client takes seconds to load."""

from __future__ import annotations

import json
import socket
import time
from base64 import b64encode
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from flows.automations.upkeep import Call
from tasks.errors import PermanentError
from tasks.program import PROGRAM

_OPENER = build_opener(ProxyHandler({}))  # loopback is never behind a proxy
_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_RETRIES = 4
"""Of a request that was refused because the database was locked."""
_PAUSE_SECONDS = 1.0


class NotProtected(PermanentError):
    """A server answers without a key, or not to the key of its home folder."""

    def __init__(self, url: str, *, trouble: str) -> None:
        self.url, self.trouble = url, trouble
        super().__init__(
            f"The Prefect server at {url} {trouble}. Run `{PROGRAM} down`, then `{PROGRAM} up`, which starts it with its key."
        )


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int, *, within: float = 0.0) -> bool:
    """Whether nothing uses a loopback port, at the latest after the given seconds."""
    deadline = time.monotonic() + within
    while not _can_be_bound(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _can_be_bound(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_healthy(url: str) -> bool:
    """Whether the API responds and reports that it is healthy; for that, nobody needs the key."""
    try:
        return _call(f"{url}/health", key=None) is True
    except (OSError, ValueError):
        return False


def check_protection(url: str, key: str) -> None:
    """Check that the API wants a key, and takes this one.

    Raises:
        NotProtected: it does not.
    """
    try:
        _call(f"{url}/version", key=None)
    except HTTPError as error:
        if error.code != HTTPStatus.UNAUTHORIZED:
            raise
    else:
        raise NotProtected(url, trouble="asks for no key: a version that knew none has started it")
    _call(f"{url}/version", key=key)


def ensure_process_pool(url: str, key: str, name: str) -> None:
    """Create a process work pool unless it exists; its first worker fills in the job template."""
    pool = {"name": name, "type": "process", "description": "Flows as processes on this machine."}
    try:
        _call(f"{url}/work_pools/", pool, key=key)
    except HTTPError as error:
        if error.code != HTTPStatus.CONFLICT:
            raise


def has_worker_since(url: str, key: str, pool: str, moment: datetime) -> bool:
    """Whether a worker has appeared in the pool since then; an earlier one that was killed counts as online for a while."""
    workers: list[dict[str, Any]] = _call(f"{url}/work_pools/{pool}/workers/filter", {}, key=key)
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) >= moment for worker in workers)


def deployment_count(url: str, key: str) -> int:
    """The number of registered deployments."""
    return int(_call(f"{url}/deployments/count", {}, key=key))


def caller(url: str, key: str) -> Call:
    """Requests to an API with its key, as `flows.automations` makes them."""

    def call(method: str, path: str, body: Any = None, /) -> Any:
        return _call(f"{url}{path}", body, key=key, method=method)

    return call


def _call(url: str, body: Any = None, *, key: str | None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Basic {b64encode(key.encode()).decode()}"
    request = Request(url, data, headers, method=method)  # noqa: S310 -- always http, built by us
    for _ in range(_RETRIES):
        with suppress(_Unavailable):
            return _answer(request, key)
        time.sleep(_PAUSE_SECONDS)
    return _answer(request, key)


class _Unavailable(HTTPError):
    """The server refused because its database was locked; nothing was done."""


def _answer(request: Request, key: str | None) -> Any:
    try:
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            return json.loads(answer.read() or "null")
    except HTTPError as error:
        if key and error.code == HTTPStatus.UNAUTHORIZED:
            trouble = "refuses the key: another one was made since it started"
            raise NotProtected(request.full_url, trouble=trouble) from None
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            raise _Unavailable(request.full_url, error.code, error.reason, error.headers, None) from error
        raise
