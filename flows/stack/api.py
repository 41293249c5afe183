"""The few requests of the local stack to its Prefect server, by plain HTTP: Prefect's own client takes seconds to load."""

from __future__ import annotations

import json
import socket
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_OPENER = build_opener(ProxyHandler({}))  # loopback is never behind a proxy
_SECONDS = 10.0
_CONFLICT = 409


def free_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nothing listens on a loopback port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_healthy(url: str) -> bool:
    """Whether the API responds and reports that it is healthy."""
    try:
        return _call(f"{url}/health") is True
    except (OSError, ValueError):
        return False


def ensure_process_pool(url: str, name: str) -> None:
    """Create a process work pool unless it exists; its first worker fills in the job template."""
    try:
        _call(
            f"{url}/work_pools/",
            {"name": name, "type": "process", "description": "Flows as processes on this machine."},
        )
    except HTTPError as error:
        if error.code != _CONFLICT:
            raise


def has_worker_since(url: str, pool: str, moment: datetime) -> bool:
    """Whether a worker has appeared in the pool since then; an earlier one that was killed counts as online for a while."""
    workers: list[dict[str, Any]] = _call(f"{url}/work_pools/{pool}/workers/filter", {})
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) >= moment for worker in workers)


def deployment_count(url: str) -> int:
    """The number of registered deployments."""
    return int(_call(f"{url}/deployments/count", {}))


def _call(url: str, body: dict[str, object] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310 -- always http, built by us
    with _OPENER.open(request, timeout=_SECONDS) as answer:
        return json.load(answer)
