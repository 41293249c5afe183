"""Rethrottling of reindex and update by query; and, since 9.5, listing, getting and cancelling reindex operations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.api import ACTION
from sandbox.elastic.reindex.jobs import Jobs
from sandbox.elastic.reindex.parameters import rate_of
from sandbox.elastic.tasks import errors as tasks_errors
from sandbox.elastic.tasks.descriptions import grouped, node_failure
from sandbox.elastic.tasks.manager import Tasks
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Handler, Route


class ReindexManagementApi:
    """Management of running reindex and update by query operations."""

    def __init__(self, tasks: Tasks, jobs: Jobs, nodes: Nodes, release: Release) -> None:
        self._tasks = tasks
        self._jobs = jobs
        self._nodes = nodes
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("list_reindex", "GET", "/_reindex", self._since_9_5(self.list_reindex, "POST")),
            Route("get_reindex", "GET", "/_reindex/{task_id}", self._since_9_5(self.get_reindex, "")),
            Route(
                "cancel_reindex",
                "POST",
                "/_reindex/{task_id}/_cancel",
                self._since_9_5(self.cancel_reindex, ""),
                changes=True,
            ),
            Route(
                "reindex_rethrottle", "POST", "/_reindex/{task_id}/_rethrottle", self.rethrottle, changes=True
            ),
            Route(
                "update_by_query_rethrottle",
                "POST",
                "/_update_by_query/{task_id}/_rethrottle",
                self.rethrottle,
                changes=True,
            ),
            Route(
                "delete_by_query_rethrottle",
                "POST",
                "/_delete_by_query/{task_id}/_rethrottle",
                self.rethrottle,
                changes=True,
            ),
        )

    def rethrottle(self, request: Request) -> dict[str, Any]:
        """`POST /_reindex/{task_id}/_rethrottle`, and the same for update by query."""
        name = request.params["task_id"]
        if "requests_per_second" not in request.query:
            raise reindex_errors.RATE_MISSING.refusal()
        rate = rate_of(request)
        task, job = self._tasks.find(name), self._jobs.find(name)
        if task is None or job is None:
            request.changed = False
            return node_failure(name, tasks_errors.TASK_MISSING.refusal(task=name).item())
        job.rethrottle(rate)
        # Running slices were contacted to change their rate, so this answer, unlike others, includes their progress.
        shown = replace(task, status=partial(job.status, running=True))
        return grouped(self._nodes, request, [shown], detailed=True)

    def list_reindex(self, request: Request) -> dict[str, Any]:
        """`GET /_reindex`: running operations, without their slices."""
        tasks = [task for task in self._tasks.running() if task.action == ACTION and not task.parent]
        return {"reindex": [_shown(task.shown(), request.flag("detailed")) for task in tasks]}

    def get_reindex(self, request: Request) -> dict[str, Any]:
        """`GET /_reindex/{task_id}`: a running operation, or the stored result of a completed one."""
        name = request.params["task_id"]
        task = self._tasks.find(name)
        if task and task.action == ACTION and not task.parent:
            if not request.flag("wait_for_completion"):
                return {"completed": False, **_shown(task.shown(), detailed=True)}
            self._tasks.wait_for(task, request.seconds("timeout", 30))
        result = self._tasks.result(name)
        if result is None or result["task"]["action"] != ACTION:
            raise reindex_errors.REINDEX_NOT_FOUND.refusal(task=name)
        rest = {key: result[key] for key in ("response", "error") if key in result}
        return {"completed": True, **_shown(result["task"], detailed=True), **rest}

    def cancel_reindex(self, request: Request) -> dict[str, Any]:
        """`POST /_reindex/{task_id}/_cancel`: waits for the end unless `wait_for_completion=false`."""
        name = request.params["task_id"]
        task = self._tasks.find(name)
        if task is None or task.action != ACTION or task.parent:
            raise reindex_errors.REINDEX_NOT_CANCELLABLE.refusal(task=name)
        self._tasks.cancel(task)
        if not request.flag("wait_for_completion", True):
            return {"acknowledged": True}
        task.done.wait()
        result = self._tasks.result(name)
        rest = {key: result[key] for key in ("response", "error") if key in result} if result else {}
        return {"completed": True, **_shown(task.shown(), detailed=True), **rest}

    def _since_9_5(self, handler: Handler, allowed: str) -> Handler:
        """The handler, or an older release's answer to an unknown path."""
        return handler if self._release.reindex_management else partial(_unknown, allowed)


def _shown(task: dict[str, Any], detailed: bool) -> dict[str, Any]:
    names = ("description", "start_time_in_millis", "running_time_in_nanos", "cancelled")
    shown = {"id": f"{task['node']}:{task['id']}", **{name: task[name] for name in names}}
    return {**shown, "status": task["status"]} if detailed else shown


def _unknown(allowed: str, request: Request) -> Reply:
    about = f"uri [{request.path}] and method [{request.method}]"
    if not allowed:
        return Reply({"error": f"no handler found for {about}"}, 400)
    text = f"Incorrect HTTP method for {about}, allowed: [{allowed}]"
    return Reply({"error": text, "status": 405}, 405, {"Allow": allowed})
