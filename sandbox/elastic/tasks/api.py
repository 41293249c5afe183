"""The task APIs: list, get, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.tasks import errors as tasks_errors
from sandbox.elastic.tasks.descriptions import grouped, node_failure
from sandbox.elastic.tasks.manager import Task, Tasks
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_LISTS = "cluster:monitor/tasks/lists"


class TaskApi:
    """Lists, shows and cancels tasks."""

    def __init__(self, tasks: Tasks, nodes: Nodes) -> None:
        self._tasks = tasks
        self._nodes = nodes

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("tasks.list", "GET", "/_tasks", self.list_tasks),
            Route("tasks.get", "GET", "/_tasks/{task_id}", self.get),
            Route("tasks.cancel", "POST", "/_tasks/_cancel", self.cancel, changes=True),
            Route("tasks.cancel", "POST", "/_tasks/{task_id}/_cancel", self.cancel, changes=True),
        )

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_tasks/{task_id}`: a running task, or the stored result of a completed one."""
        name = request.params["task_id"]
        node = self._node(name)
        task = self._tasks.find(name)
        if task and not request.flag("wait_for_completion"):
            return {"completed": False, "task": task.shown()}
        if task:
            self._tasks.wait_for(task, request.seconds("timeout", 30))
        result = self._tasks.result(name)
        if result is not None:
            return result
        if node is None:
            raise tasks_errors.TASK_OF_UNKNOWN_NODE.refusal(task=name, node=name.split(":")[0])
        raise tasks_errors.TASK_GONE.refusal(task=name)

    def _node(self, name: str) -> str | None:
        """The node in a task's id, if it belongs to the cluster.

        Raises:
            Refusal: it is not a task id.
        """
        node, _, number = name.rpartition(":")
        if not node or not number.isdigit():
            raise tasks_errors.TASK_MALFORMED.refusal(task=name)
        return node if any(each.id == node for each in self._nodes) else None

    def list_tasks(self, request: Request) -> dict[str, Any]:
        """`GET /_tasks`, by actions, nodes and parent; with the call itself."""
        opaque = request.headers.get("x-opaque-id")
        itself = self._tasks.call(_LISTS, {"X-Opaque-Id": opaque} if opaque else {})
        return grouped(self._nodes, request, self._matching(request, itself), request.flag("detailed"))

    def _matching(self, request: Request, itself: Sequence[Task] = ()) -> list[Task]:
        actions = request.text("actions", "*").split(",")
        nodes = request.text("nodes", "_all").split(",")
        parent = request.text("parent_task_id")
        return [
            task
            for task in (*self._tasks.running(), *itself)
            if any(fnmatchcase(task.action, pattern.replace("[n]", "[[]n]")) for pattern in actions)
            and (nodes == ["_all"] or task.node in nodes)
            and parent in ("", task.parent)
        ]

    def cancel(self, request: Request) -> dict[str, Any]:
        """`POST /_tasks[/{task_id}]/_cancel`; a task that no longer runs is a failure of its node, with status 200."""
        name = request.params.get("task_id")
        if name is None:
            found = self._matching(request)
        else:
            self._node(name)
            task = self._tasks.find(name)
            if task is None:
                request.changed = False
                return node_failure(name, tasks_errors.TASK_NOT_FOUND.refusal(task=name).item())
            found = [task]
        for task in found:
            self._tasks.cancel(task)
        if request.flag("wait_for_completion"):
            for task in found:
                task.done.wait()
        request.changed = bool(found)
        return grouped(self._nodes, request, found, detailed=True)
