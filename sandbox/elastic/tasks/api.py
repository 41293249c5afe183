"""What clients call about tasks: list, get, cancel."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.nodes.api import in_tasks
from sandbox.elastic.tasks import errors as tasks_errors
from sandbox.elastic.tasks.manager import Task
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_LOOK = 0.5


def get(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /_tasks/{task_id}`: a running task, or the stored result of one that ended."""
    name = request.params["task_id"]
    node = _node(cluster, name)
    task = cluster.tasks.find(name)
    if task and not request.flag("wait_for_completion"):
        return {"completed": False, "task": task.shown()}
    if task:
        waited(cluster, task, request)
    result = cluster.tasks.result(name)
    if result is not None:
        return result
    if node is None:
        raise tasks_errors.TASK_OF_UNKNOWN_NODE.refusal(task=name, node=name.split(":")[0])
    raise tasks_errors.TASK_GONE.refusal(task=name)


def _node(cluster: Cluster, name: str) -> str | None:
    """The id of the node in a task's id, if it is one of the cluster's.

    Raises:
        Refusal: it is no task id.
    """
    node, _, number = name.rpartition(":")
    if not node or not number.isdigit():
        raise tasks_errors.TASK_MALFORMED.refusal(task=name)
    return node if any(each.id == node for each in cluster.nodes) else None


def waited(cluster: Cluster, task: Task, request: Request) -> None:
    """Wait until a task ended.

    Raises:
        Refusal: it takes longer than the request's `timeout`.
    """
    deadline = time.monotonic() + request.seconds("timeout", 30)
    while not task.done.wait(max(0.0, min(_LOOK, deadline - time.monotonic()))):
        if time.monotonic() >= deadline or cluster.ending.is_set():
            raise tasks_errors.TASK_TIMED_OUT.refusal(task=task.id)


def list_tasks(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /_tasks`: by actions, nodes and parent; the call itself is not among them."""
    return grouped(cluster, request, _matching(cluster, request), request.flag("detailed"))


def _matching(cluster: Cluster, request: Request) -> list[Task]:
    actions = request.text("actions", "*").split(",")
    nodes = request.text("nodes", request.text("node_id", "_all")).split(",")
    parent = request.text("parent_task_id")
    return [
        task
        for task in cluster.tasks.running()
        if any(fnmatchcase(task.action, pattern.replace("[n]", "[[]n]")) for pattern in actions)
        and (nodes == ["_all"] or task.node in nodes)
        and parent in ("", task.parent)
    ]


def grouped(cluster: Cluster, request: Request, tasks: list[Task], detailed: bool) -> dict[str, Any]:
    """Tasks as `group_by` wants them: below their nodes, below their parents, or in a row."""
    by = request.text("group_by", "nodes")
    if by == "none":
        return {"tasks": [task.shown(detailed) for task in tasks]}
    if by == "parents":
        names = {task.id for task in tasks}
        return {
            "tasks": {each.id: _family(each, tasks, detailed) for each in tasks if each.parent not in names}
        }
    shown = {}
    for node in cluster.nodes:
        mine = {task.id: task.shown(detailed) for task in tasks if task.node == node.id}
        if mine:
            shown[node.id] = {**in_tasks(node), "tasks": mine}
    return {"nodes": shown}


def _family(task: Task, tasks: list[Task], detailed: bool) -> dict[str, Any]:
    children = [_family(each, tasks, detailed) for each in tasks if each.parent == task.id]
    return {**task.shown(detailed), **({"children": children} if children else {})}


def cancel(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /_tasks[/{task_id}]/_cancel`: a task that is gone is told as a failure of its node, with status 200."""
    name = request.params.get("task_id")
    if name is None:
        found = _matching(cluster, request)
    else:
        _node(cluster, name)
        task = cluster.tasks.find(name)
        if task is None:
            request.changed = False
            return node_failure(name, tasks_errors.TASK_NOT_FOUND.refusal(task=name).item())
        found = [task]
    for task in found:
        cluster.tasks.cancel(task)
    if request.flag("wait_for_completion"):
        for task in found:
            task.done.wait()
    request.changed = bool(found)
    return grouped(cluster, request, found, detailed=True)


def node_failure(name: str, cause: dict[str, Any]) -> dict[str, Any]:
    """The answer of a call to a task that its node does not have."""
    node = name.split(":", maxsplit=1)[0]
    failure = {
        "type": "failed_node_exception",
        "reason": f"Failed node [{node}]",
        "node_id": node,
        "caused_by": cause,
    }
    return {"node_failures": [failure], "nodes": {}}


ROUTES = (
    Route("tasks.list", "GET", "/_tasks", list_tasks),
    Route("tasks.get", "GET", "/_tasks/{task_id}", get),
    Route("tasks.cancel", "POST", "/_tasks/_cancel", cancel, changes=True),
    Route("tasks.cancel", "POST", "/_tasks/{task_id}/_cancel", cancel, changes=True),
)
