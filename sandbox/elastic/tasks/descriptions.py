"""How APIs describe tasks, and nodes that do not have one."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.nodes.descriptions import in_tasks
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.tasks.manager import Task
from sandbox.elastic.wire.exchange import Request


def grouped(nodes: Nodes, request: Request, tasks: list[Task], detailed: bool) -> dict[str, Any]:
    """Tasks grouped by node or parent, or as a list, as `group_by` says."""
    by = request.text("group_by", "nodes")
    if by == "none":
        return {"tasks": [task.shown(detailed) for task in tasks]}
    if by == "parents":
        names = {task.id for task in tasks}
        return {
            "tasks": {each.id: _family(each, tasks, detailed) for each in tasks if each.parent not in names}
        }
    shown = {}
    for node in nodes:
        mine = {task.id: task.shown(detailed) for task in tasks if task.node == node.id}
        if mine:
            shown[node.id] = {**in_tasks(node), "tasks": mine}
    return {"nodes": shown}


def _family(task: Task, tasks: list[Task], detailed: bool) -> dict[str, Any]:
    children = [_family(each, tasks, detailed) for each in tasks if each.parent == task.id]
    return {**task.shown(detailed), **({"children": children} if children else {})}


def node_failure(name: str, cause: dict[str, Any]) -> dict[str, Any]:
    """The answer if the node does not have the task."""
    node = name.split(":", maxsplit=1)[0]
    failure = {
        "type": "failed_node_exception",
        "reason": f"Failed node [{node}]",
        "node_id": node,
        "caused_by": cause,
    }
    return {"node_failures": [failure], "nodes": {}}
