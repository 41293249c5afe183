"""The nodes as other APIs describe them, `GET /_nodes`, and hot threads as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.elastic.cluster import Cluster, Node
from sandbox.elastic.ml.inference_queue import NodeQueue
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.expressions import chosen
from sandbox.elastic.wire.routing import Route

_SNAPSHOTS = 10
_IDLE_SHARE = 3.5
"""Percent of processor time in the seed's hot thread: the thread waits for the native process."""


def attributes(node: Node) -> dict[str, str]:
    """What a node says about itself; machine-learning nodes name their processors."""
    if "ml" not in node.roles:
        return {}
    return {
        "ml.allocated_processors": str(node.processors),
        "ml.allocated_processors_double": f"{node.processors:.1f}",
        "ml.machine_memory": str(node.memory),
        "ml.max_jvm_size": str(min(node.memory // 4, 2 << 30)),
    }


def in_tasks(node: Node) -> dict[str, Any]:
    """A node as task lists show it."""
    return {
        "name": node.name,
        "transport_address": node.address,
        "host": node.address.split(":")[0],
        "ip": node.address,
        "roles": list(node.roles),
        "attributes": attributes(node),
    }


def in_model_statistics(node: Node, version: str) -> dict[str, Any]:
    """A node as `deployment_stats` show it, under its id."""
    return {
        node.id: {
            "name": node.name,
            "ephemeral_id": node.ephemeral_id,
            "transport_address": node.address,
            "external_id": node.name,
            "attributes": attributes(node),
            "roles": list(node.roles),
            "version": version,
        }
    }


def header(cluster: Cluster, count: int) -> dict[str, Any]:
    """What stands above `nodes` in node APIs."""
    return {
        "_nodes": {"total": count, "successful": count, "failed": 0},
        "cluster_name": cluster.name,
    }


def meant(cluster: Cluster, request: Request) -> list[Node]:
    """The nodes that a path names by id or name; all without one."""
    expression = request.params.get("node_id", "_all")
    known = [name for node in cluster.nodes for name in (node.id, node.name)]
    names = chosen(expression, known).names
    return [node for node in cluster.nodes if node.id in names or node.name in names]


def get(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /_nodes`: identity, roles and processors; no other metric."""
    found = meant(cluster, request)
    shown = {
        node.id: {
            **in_tasks(node),
            "ip": node.address.split(":")[0],
            "version": cluster.release.number,
            "build_flavor": "default",
            "build_type": "docker",
            "os": {"available_processors": node.processors, "allocated_processors": node.processors},
        }
        for node in found
    }
    return {**header(cluster, len(found)), "nodes": shown}


def hot_threads(cluster: Cluster, request: Request) -> Reply:
    """`GET /_nodes/hot_threads`: a thread for every allocation that is at work, as the seed shows them."""
    most = request.number("threads", 3)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    interval = request.text("interval", "500ms")
    parts = []
    for node in meant(cluster, request):
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
            cluster.release.number,
            shown,
        )
        lines = [
            "::: " + "".join(f"{{{each}}}" for each in who),
            f"   Hot threads at {now}, interval={interval}, busiestThreads={most}, ignoreIdleThreads=true:",
        ]
        queues = [each.queues[node.id] for each in cluster.deployments.all() if node.id in each.queues]
        for number in range(min(most, sum(map(NodeQueue.busy, queues)))):
            lines += _thread(node, number, interval)
        parts.append("\n".join(lines) + "\n")
    return Reply("\n".join(parts))


def _thread(node: Node, number: int, interval: str) -> list[str]:
    name = f"elasticsearch[{node.name}][ml_native_inference_comms][T#{number + 1}]"
    share = f"100.0% [cpu={_IDLE_SHARE}%, other={100 - _IDLE_SHARE}%] ({interval} out of {interval})"
    return [
        "   ",
        f"   {share} cpu usage by thread '{name}'",
        f"     {_SNAPSHOTS}/{_SNAPSHOTS} snapshots sharing following 2 elements",
        "       java.base/java.util.concurrent.LinkedBlockingQueue.poll(LinkedBlockingQueue.java)",
        "       java.base/java.lang.Thread.run(Thread.java)",
    ]


ROUTES = (
    Route("nodes.info", "GET", "/_nodes", get),
    Route("nodes.info", "GET", "/_nodes/{node_id}", get),
    Route("nodes.hot_threads", "GET", "/_nodes/hot_threads", hot_threads),
    Route("nodes.hot_threads", "GET", "/_nodes/{node_id}/hot_threads", hot_threads),
)
