"""The health of the cluster and of its indices."""

from __future__ import annotations

import threading
import time
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import names
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_STATUSES = ("green", "yellow", "red")
_LEVELS = ("cluster", "indices", "shards")
_LOOK = 0.05


class HealthApi:
    """The cluster's status, and waiting for it."""

    def __init__(self, nodes: Nodes, indices: Indices, ending: threading.Event) -> None:
        self._nodes = nodes
        self._indices = indices
        self._ending = ending

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("cluster.health", "GET", "/_cluster/health", self.health),
            Route("cluster.health", "GET", "/_cluster/health/{index}", self.health),
        )

    def health(self, request: Request) -> Reply:
        """`GET /_cluster/health[/{index}]`: waits until the status is at least `wait_for_status`.

        408 if that does not happen in time. An index that does not exist is red.
        """
        wanted = request.text("wait_for_status", "red").lower()
        if wanted not in _STATUSES:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"unknown cluster health status [{wanted}]")
        level = request.text("level", "cluster")
        if level not in _LEVELS:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"unknown level [{level}]")
        active = request.text("wait_for_active_shards", "0")
        deadline = time.monotonic() + request.seconds("timeout", 30)
        while True:
            shown = self._health_now(request, level)
            missing = shown["status"] == "red"
            enough = (
                not shown["unassigned_shards"] if active == "all" else shown["active_shards"] >= int(active)
            )
            if not missing and enough and _STATUSES.index(shown["status"]) <= _STATUSES.index(wanted):
                return Reply(shown)
            if time.monotonic() >= deadline or self._ending.wait(_LOOK):
                return Reply({**shown, "timed_out": True}, 408)

    def _health_now(self, request: Request, level: str) -> dict[str, Any]:
        expand = names.expanded(request.text("expand_wildcards", "all"))
        try:
            indices, status = (
                self._indices.resolve(request.params.get("index", "_all"), expand=expand),
                "green",
            )
        except Refusal:
            indices, status = [], "red"
        replicas = sum(int(index.settings["number_of_replicas"]) for index in indices)
        each = {} if level == "cluster" else {"indices": {index.name: _of(index, level) for index in indices}}
        return {
            "cluster_name": self._nodes.cluster_name,
            "status": "yellow" if replicas else status,
            "timed_out": False,
            "number_of_nodes": len(self._nodes),
            "number_of_data_nodes": 1,
            "active_primary_shards": len(indices),
            "active_shards": len(indices),
            "relocating_shards": 0,
            "initializing_shards": 0,
            "unassigned_shards": replicas,
            "unassigned_primary_shards": 0,
            "delayed_unassigned_shards": 0,
            "number_of_pending_tasks": 0,
            "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0,
            "active_shards_percent_as_number": 100.0 * len(indices) / max(1, len(indices) + replicas),
            **each,
        }


def _of(index: Index, level: str) -> dict[str, Any]:
    """The health of one index; with `level=shards` of its one shard as well."""
    replicas = int(index.settings["number_of_replicas"])
    shard = {
        "status": index.health,
        "primary_active": True,
        "active_shards": 1,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": replicas,
        "unassigned_primary_shards": 0,
    }
    counts = {name: value for name, value in shard.items() if name not in ("status", "primary_active")}
    shown = {"number_of_shards": 1, "number_of_replicas": replicas, "active_primary_shards": 1, **counts}
    return {"status": index.health, **shown, **({"shards": {"0": shard}} if level == "shards" else {})}
