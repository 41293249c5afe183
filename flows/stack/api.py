"""The few questions that the local stack asks its Prefect server, by plain HTTP: Prefect's own client takes seconds to load."""

from __future__ import annotations

import json
import socket
from datetime import datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_OPENER = build_opener(ProxyHandler({}))  # what is on loopback is not behind anybody's proxy
_SECONDS = 10.0
_CONFLICT = 409


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of loopback."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def is_healthy(url: str) -> bool:
    """Whether the API answers and says that it is well."""
    try:
        return _call(f"{url}/health") is True
    except (OSError, ValueError):
        return False


def ensure_process_pool(url: str, name: str) -> None:
    """Create a process work pool unless it is there; its first worker fills in the job template."""
    try:
        _call(
            f"{url}/work_pools/",
            {"name": name, "type": "process", "description": "Flows as processes of this machine."},
        )
    except HTTPError as error:
        if error.code != _CONFLICT:
            raise


def has_worker_since(url: str, pool: str, moment: datetime) -> bool:
    """Whether a worker has shown up in the pool since then; an earlier one, killed, counts as online for a while."""
    workers: list[dict[str, Any]] = _call(f"{url}/work_pools/{pool}/workers/filter", {})
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) >= moment for worker in workers)


def deployment_count(url: str) -> int:
    """How many deployments are registered."""
    return int(_call(f"{url}/deployments/count", {}))


def _call(url: str, body: dict[str, object] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310 -- always http, of our making
    with _OPENER.open(request, timeout=_SECONDS) as answer:
        return json.load(answer)
