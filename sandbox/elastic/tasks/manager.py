"""Running tasks, and the stored results of completed ones. Running tasks are lost with the server, as in the real service.

What a task does is not known here.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.store import Records
from sandbox.elastic.tasks import errors as tasks_errors

_MODULUS = 100_000_000
_LOOK = 0.5


@dataclass(eq=False)
class Task:
    """One task."""

    node: str
    number: int
    action: str
    description: str
    status: Callable[[], dict[str, Any] | None]
    headers: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    kind: str = "transport"
    cancellable: bool = True
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.time)
    began: int = field(default_factory=time.monotonic_ns)

    @property
    def id(self) -> str:
        """`node:number`, as clients write it."""
        return f"{self.node}:{self.number}"

    def shown(self, detailed: bool = True) -> dict[str, Any]:
        """The current state of the task."""
        shown: dict[str, Any] = {
            "node": self.node,
            "id": self.number,
            "type": self.kind,
            "action": self.action,
        }
        if detailed:
            status = self.status()
            shown |= ({} if status is None else {"status": status}) | {"description": self.description}
        shown |= {
            "start_time_in_millis": int(self.started * 1000),
            "running_time_in_nanos": time.monotonic_ns() - self.began,
            "cancellable": self.cancellable,
        }
        if self.cancellable:
            shown["cancelled"] = self.cancelled.is_set()
        if self.parent:
            shown["parent_task_id"] = self.parent
        return shown | {"headers": self.headers}


class Tasks:
    """All tasks of the cluster."""

    def __init__(self, results: Records, node: str, ending: threading.Event) -> None:
        self._results = results
        self._node = node
        self._ending = ending
        self._lock = threading.Lock()
        self._running: dict[str, Task] = {}
        # Numbers increase across restarts, so that an old id never names a new task.
        self._numbers = itertools.count(int(time.time() * 10) % _MODULUS)

    def begin(
        self,
        action: str,
        description: str,
        status: Callable[[], dict[str, Any] | None],
        headers: dict[str, str] | None = None,
        parent: str | None = None,
    ) -> Task:
        """Register a running task."""
        with self._lock:
            task = Task(self._node, next(self._numbers), action, description, status, headers or {}, parent)
            self._running[task.id] = task
            return task

    def call(self, action: str, headers: dict[str, str]) -> list[Task]:
        """The tasks of a call that looks at tasks: its own, and its part on this node. They end with the call."""
        with self._lock:
            own = Task(self._node, next(self._numbers), action, "", lambda: None, headers, cancellable=False)
            number, part = next(self._numbers), f"{action}[n]"
            return [own, Task(self._node, number, part, "", lambda: None, headers, own.id, "direct", False)]

    def end(self, task: Task) -> None:
        """Remove a task from the list and wake those who wait for it."""
        with self._lock:
            self._running.pop(task.id, None)
        task.done.set()

    def in_background(self, task: Task, work: Callable[[], dict[str, Any]]) -> None:
        """Run a task's work in its own thread and store the result."""

        def run() -> None:
            try:
                result: dict[str, Any] = {"response": work()}
            except Refusal as refusal:
                result = {"error": refusal.item()}
            except Exception as error:  # noqa: BLE001 - whoever asks for the task is to see it
                result = {"error": errors.INTERNAL.refusal(problem=repr(error)).item()}
            # A server that is stopping stores no result: the task is lost, as with a node.
            if not self._ending.is_set():
                self._results.put(task.id, {"completed": True, "task": task.shown(), **result})
            self.end(task)

        threading.Thread(target=run, name=task.action, daemon=True).start()

    def running(self) -> list[Task]:
        """The running tasks, oldest first."""
        with self._lock:
            return list(self._running.values())

    def find(self, name: str) -> Task | None:
        """The running task of this id."""
        return self._running.get(name)

    def wait_for(self, task: Task, seconds: float) -> None:
        """Wait until a task has ended.

        Raises:
            Refusal: it takes longer, or the server stops first.
        """
        deadline = time.monotonic() + seconds
        while not task.done.wait(max(0.0, min(_LOOK, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or self._ending.is_set():
                raise tasks_errors.TASK_TIMED_OUT.refusal(task=task.id)

    def result(self, name: str) -> dict[str, Any] | None:
        """The stored result of a completed task."""
        return self._results.get(name)

    def children(self, task: Task) -> list[Task]:
        """The running child tasks of a task."""
        return [each for each in self.running() if each.parent == task.id]

    def cancel(self, task: Task) -> None:
        """Ask a task and its children to stop; they do so when they next check."""
        task.cancelled.set()
        for child in self.children(task):
            self.cancel(child)
