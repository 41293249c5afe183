"""The refusals of tasks."""

from __future__ import annotations

from sandbox.elastic.errors import Answer

TASK_OF_UNKNOWN_NODE = Answer(
    404,
    "resource_not_found_exception",
    "task [{task}] belongs to the node [{node}] which isn't part of the cluster and there is no record of the task",
    "tasks.get/10_basic.yml",
)
TASK_GONE = Answer(
    404,
    "resource_not_found_exception",
    "task [{task}] isn't running and hasn't stored its results",
    "TransportGetTaskAction.java",
)
TASK_NOT_FOUND = Answer(
    404,
    "resource_not_found_exception",
    "task [{task}] is not found",
    "TransportCancelTasksAction.java",
)
TASK_TIMED_OUT = Answer(
    429,
    "timeout_exception",
    "Timed out waiting for completion of [{task}]",
    "ElasticsearchTimeoutException.java",
)
TASK_MALFORMED = Answer(400, "illegal_argument_exception", "malformed task id {task}", "TaskId.java")
TASK_MISSING = Answer(
    404, "resource_not_found_exception", "task [{task}] is missing", "TransportTasksAction.java"
)
