"""Every refusal of tasks, reindex and update by query in one place, with the origin of its text.

As in errors.py: a text without a `source` is our own wording or unverified, and clients must not branch on it.
"""

from __future__ import annotations

from sandbox.elastic.errors import Answer

TASK_OF_UNKNOWN_NODE = Answer(
    404,
    "resource_not_found_exception",
    "task [{task}] belongs to the node [{node}] which isn't part of the cluster and there is no record of the task",
    "tasks.get YAML",
)
TASK_GONE = Answer(
    404,
    "resource_not_found_exception",
    "task [{task}] isn't running and hasn't stored its results",
    "TransportGetTaskAction",
)
TASK_NOT_FOUND = Answer(
    404, "resource_not_found_exception", "task [{task}] is not found", "TransportCancelTasksAction"
)
TASK_TIMED_OUT = Answer(
    500,
    "timeout_exception",
    "Timed out waiting for completion of [{task}]",
    "TransportGetTaskAction",
)
TASK_MALFORMED = Answer(400, "illegal_argument_exception", "malformed task id {task}", "TaskId.java")
REINDEX_NOT_FOUND = Answer(
    404, "resource_not_found_exception", "Reindex operation [{task}] not found", "specification"
)
REINDEX_NOT_CANCELLABLE = Answer(
    404,
    "resource_not_found_exception",
    "reindex task [{task}] either not found or completed",
    "specification",
)
