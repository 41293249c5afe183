"""`GET /_nodes`, and hot threads as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.elastic.nodes.descriptions import attributes, header, in_tasks, meant
from sandbox.elastic.nodes.nodes import Node, Nodes
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_IDLE_SHARE = 3.5

"""Percent of processor time of a hot thread in the ELSER notebook: it mostly waits for the native process."""


class NodesApi:
    """Identity and hot threads of the nodes."""

    def __init__(self, nodes: Nodes, release: Release, busy: Callable[[str], int]) -> None:
        self._nodes = nodes
        self._release = release
        self._busy = busy

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("nodes.info", "GET", "/_nodes", self.get),
            Route("nodes.info", "GET", "/_nodes/{node_id}", self.get),
            Route("nodes.hot_threads", "GET", "/_nodes/hot_threads", self.hot_threads),
            Route("nodes.hot_threads", "GET", "/_nodes/{node_id}/hot_threads", self.hot_threads),
        )

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_nodes`: identity, roles and processors; no other metric."""
        found = meant(self._nodes, request)
        shown = {
            node.id: {
                **in_tasks(node),
                "ip": node.address.split(":")[0],
                "version": self._release.number,
                "build_flavor": "default",
                "build_type": "docker",
                "os": {"available_processors": node.processors, "allocated_processors": node.processors},
            }
            for node in found
        }
        return {**header(self._nodes, len(found)), "nodes": shown}

    def hot_threads(self, request: Request) -> Reply:
        """`GET /_nodes/hot_threads`: one thread for every busy allocation, as in the ELSER notebook."""
        most = request.number("threads", 3)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        interval = request.text("interval", "500ms")
        parts = []
        for node in meant(self._nodes, request):
            shown = "".join(f"{name}={value}, " for name, value in attributes(node).items()).rstrip(", ")
            roles = "".join(sorted(role[0] for role in node.roles))
            host = node.address.split(":")[0]
            who = (
                node.name,
                node.id,
                node.ephemeral_id,
                host,
                node.address,
                roles,
                self._release.number,
                shown,
            )
            lines = [
                "::: " + "".join(f"{{{each}}}" for each in who),
                f"   Hot threads at {now}, interval={interval}, busiestThreads={most}, ignoreIdleThreads=true:",
            ]
            for number in range(min(most, self._busy(node.id))):
                lines += _thread(node, number, interval, request.number("snapshots", 10))
            parts.append("\n".join(lines) + "\n")
        return Reply("\n".join(parts))


def _thread(node: Node, number: int, interval: str, snapshots: int) -> list[str]:
    name = f"elasticsearch[{node.name}][ml_native_inference_comms][T#{number + 1}]"
    share = f"100.0% [cpu={_IDLE_SHARE}%, other={100 - _IDLE_SHARE}%] ({interval} out of {interval})"
    return [
        "   ",
        f"   {share} cpu usage by thread '{name}'",
        f"     {snapshots}/{snapshots} snapshots sharing following 2 elements",
        "       java.base/java.util.concurrent.LinkedBlockingQueue.poll(LinkedBlockingQueue.java)",
        "       java.base/java.lang.Thread.run(Thread.java)",
    ]
