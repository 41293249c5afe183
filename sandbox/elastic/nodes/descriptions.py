"""How APIs describe nodes, and which nodes a path names."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.nodes.nodes import Node, Nodes
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.expressions import chosen


def attributes(node: Node) -> dict[str, str]:
    """A node's attributes; machine-learning nodes state their processors and memory."""
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


def header(nodes: Nodes, count: int) -> dict[str, Any]:
    """The header of node APIs, above `nodes`."""
    return {
        "_nodes": {"total": count, "successful": count, "failed": 0},
        "cluster_name": nodes.cluster_name,
    }


def meant(nodes: Nodes, request: Request) -> list[Node]:
    """The nodes that a path names, by id or name; all if it names none."""
    expression = request.params.get("node_id", "_all")
    known = [name for node in nodes for name in (node.id, node.name)]
    names = chosen(expression, known).names
    return [node for node in nodes if node.id in names or node.name in names]
