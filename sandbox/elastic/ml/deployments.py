"""Deployments of models: where their allocations are, their state, and their queues.

Deployments survive a restart and start again; their queues do not survive. The capacity model is in assignments.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sandbox.elastic.ml import assignments, packages
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.inference_queue import Countdown, EmbeddingCache, NodeQueue, QueuedText
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.store import Records
from sandbox.elastic.wire.routing import TakeAtEnd
from sandbox.elastic.wire.sizes import size_in_bytes

PROCESS_CRASHED = "inference process crashed"
"""The reason of a deployment that a fault lets fail; sandbox wording."""
_NEVER = 1e9
"""Seconds; JSON, as which a deployment is kept, has no infinity."""
_MOST_ML_NODES = 16
"""Autoscaling stops at this many nodes."""


@dataclass
class Deployment:
    """One running deployment."""

    parameters: dict[str, Any]
    """`task_parameters` of an assignment, as the service shows them."""
    start_time: str
    adaptive: dict[str, Any] | None
    memory: int
    reason: str = ""
    failed: str = ""
    """Why it failed to start on its nodes; empty if it did not. Only stopping it helps."""
    delay: float = 0.0
    """Seconds by which it starts later than others."""
    most: int = 0
    """`max_assigned_allocations`."""
    queues: dict[str, NodeQueue] = field(default_factory=dict)
    """By node; nodes without an allocation have none."""
    ready: dict[str, float] = field(default_factory=dict)
    """By node: the monotonic time from which it is started."""
    cache: EmbeddingCache | None = None

    @property
    def id(self) -> str:
        """The deployment's id, which may equal the model's."""
        return self.parameters["deployment_id"]

    @property
    def model(self) -> str:
        """The id of its model."""
        return self.parameters["model_id"]

    def started_on(self, node: str) -> bool:
        """Whether its allocations on a node are started."""
        return not self.failed and time.monotonic() >= self.ready[node]

    def routing_state(self, node: str) -> str:
        """`routing_state` of its allocations on a node."""
        return "failed" if self.failed else "started" if self.started_on(node) else "starting"

    def started(self) -> list[NodeQueue]:
        """The queues of started nodes."""
        return [queue for node, queue in self.queues.items() if self.started_on(node)]

    def state(self) -> str:
        """`assignment_state`; one that failed on its nodes is never `failed` itself (TrainedModelAssignment.java)."""
        return "started" if self.started() else "starting"

    def allocation_state(self) -> str:
        """`allocation_status.state`: what `wait_for` compares."""
        count = sum(queue.allocations for queue in self.started())
        if count >= self.parameters["number_of_allocations"] and count:
            return "fully_allocated"
        return "started" if count else "starting"


class Deployments:
    """All deployments of the cluster."""

    def __init__(
        self,
        records: Records,
        nodes: Nodes,
        options: ElasticOptions,
        task_type: Callable[[str], packages.TaskType],
        take_at_end: TakeAtEnd,
        ending: threading.Event,
    ) -> None:
        self._records = records
        self._nodes = nodes
        self._options = options
        self._task_type = task_type
        self._take_at_end = take_at_end
        self._ending = ending
        self.lock = threading.RLock()
        self._running: dict[str, Deployment] = {}
        self._growing = False

    def restore(self) -> None:
        """Start the deployments of an earlier run again."""
        with self.lock:
            for record in self._records.all().values():
                deployment = Deployment(**record)
                self._running[deployment.id] = _with_cache(deployment)
            self._apply(self._plans(list(self._running.values())))

    def close(self) -> None:
        """Stop all workers; the deployments stay recorded."""
        with self.lock:
            for deployment in self._running.values():
                for queue in deployment.queues.values():
                    queue.close()

    def all(self) -> list[Deployment]:
        """All deployments, sorted by id as in the statistics."""
        with self.lock:
            return [self._running[name] for name in sorted(self._running)]

    def find(self, deployment: str) -> Deployment | None:
        """The deployment with this id; model ids do not count."""
        return self._running.get(deployment)

    def at_work_on(self, node: str) -> int:
        """The number of busy allocations on a node."""
        return sum(each.queues[node].busy() for each in self.all() if node in each.queues)

    def of_model(self, model: str) -> list[Deployment]:
        """All deployments of a model."""
        return [each for each in self.all() if each.model == model]

    def start(self, deployment: Deployment) -> Deployment:
        """Place a new deployment.

        Raises:
            Refusal: it does not fit, or only in part, and the cluster cannot grow; then it is not kept.
        """
        with self.lock:
            if deployment.id in self._running:
                raise ml_errors.DEPLOYMENT_EXISTS.refusal(deployment=deployment.id)
            plans = self._plans([*self._running.values(), deployment])
            mine = plans[deployment.id]
            if mine.reason and not self._options.autoscaling:
                if mine.allocations:
                    raise ml_errors.PARTLY_PLACED.refusal()
                raise ml_errors.NO_CAPACITY.refusal(
                    cause=ml_errors.NO_CAPACITY_CAUSE.refusal(reason=mine.reason)
                )
            if fault := self._take_at_end("ml.start_trained_model_deployment"):
                deployment.delay = min(fault.seconds, _NEVER) if fault.kind == "stall" else 0.0
                deployment.failed = "" if fault.kind == "stall" else PROCESS_CRASHED
            self._running[deployment.id] = _with_cache(deployment)
            self._apply(plans)
            return deployment

    def update(self, deployment: Deployment, allocations: int, adaptive: dict[str, Any] | None) -> None:
        """Change the number of allocations.

        Raises:
            Refusal: the deployment is not started, or does not fit and the cluster cannot grow.
        """
        with self.lock:
            if deployment.state() != "started":
                raise ml_errors.UPDATE_NOT_STARTED.refusal()
            before = deployment.parameters
            deployment.parameters = {**before, "number_of_allocations": allocations}
            plans = self._plans(list(self._running.values()))
            if plans[deployment.id].reason and not self._options.autoscaling:
                deployment.parameters = before
                raise ml_errors.UPDATE_NO_CAPACITY.refusal()
            deployment.adaptive = adaptive
            self._apply(plans)

    def stop(self, deployment: Deployment) -> None:
        """Stop a deployment; documents in its queues are refused, and others may take its room."""
        with self.lock:
            self._running.pop(deployment.id, None)
            self._records.delete(deployment.id)
            for queue in deployment.queues.values():
                queue.close()
            self._apply(self._plans(list(self._running.values())))

    def ask(
        self, deployment: Deployment, texts: Sequence[str], priority: int
    ) -> tuple[list[QueuedText], Countdown]:
        """Queue all texts at once, each on the node with the lowest load.

        Raises:
            Refusal: no node of the deployment is started.
        """
        queues = deployment.started()
        if not queues:
            raise ml_errors.INFER_NO_NODE.refusal(deployment=deployment.id)
        countdown = Countdown(len(texts))
        queued = [QueuedText(text, countdown) for text in texts]
        for queued_text in queued:
            min(queues, key=NodeQueue.load).submit(queued_text, priority)
        return queued, countdown

    def capacities(self) -> list[assignments.Capacity]:
        """The capacities of the machine-learning nodes, before anything is placed."""
        return [
            assignments.Capacity(node.id, node.processors, max(0, node.memory - assignments.RESERVED))
            for node in self._nodes.ml
        ]

    def _plans(self, deployments: list[Deployment]) -> dict[str, assignments.Plan]:
        demands = [
            assignments.Demand(
                each.id,
                each.parameters["number_of_allocations"],
                each.parameters["threads_per_allocation"],
                each.memory,
                each.parameters["priority"] == "low",
                {node: queue.allocations for node, queue in each.queues.items()},
            )
            for each in sorted(deployments, key=lambda each: each.start_time)
        ]
        return assignments.plan(self.capacities(), demands)

    def _queue(self, deployment: Deployment, node: str) -> NodeQueue:
        parameters = deployment.parameters
        seconds = self._options.inference_seconds / parameters["threads_per_allocation"]
        capacity = parameters["queue_capacity"]
        return NodeQueue(
            node,
            capacity,
            seconds,
            partial(packages.embed, self._task_type(deployment.model)),
            deployment.cache,
        )

    def _apply(self, plans: dict[str, assignments.Plan]) -> None:
        options = self._options
        for name, plan in plans.items():
            deployment = self._running[name]
            gone = [queue for node, queue in deployment.queues.items() if node not in plan.allocations]
            queues = {node: queue for node, queue in deployment.queues.items() if queue not in gone}
            for node, allocations in plan.allocations.items():
                if node not in queues:
                    queues[node] = self._queue(deployment, node)
                    deployment.ready[node] = time.monotonic() + options.start_seconds + deployment.delay
                queues[node].resize(allocations)
            # In one assignment, because requests read it without a lock.
            deployment.queues = queues
            for queue in gone:
                queue.close()
            deployment.reason = plan.reason
            deployment.most = max(deployment.most, sum(plan.allocations.values()))
            self._records.put(
                name,
                {
                    "parameters": deployment.parameters,
                    "start_time": deployment.start_time,
                    "adaptive": deployment.adaptive,
                    "memory": deployment.memory,
                    "most": deployment.most,
                    "failed": deployment.failed,
                    "delay": deployment.delay,
                },
            )
        self._grow_where_needed()

    def _grow_where_needed(self) -> None:
        """Add a node, later, if a deployment without room would fit on it."""
        options = self._options
        if not (options.autoscaling and options.grow_seconds) or self._growing:
            return
        memory = int(options.memory_gb * 2**30) - assignments.RESERVED
        helped = any(
            each.reason
            and each.parameters["threads_per_allocation"] <= options.processors
            and each.memory <= memory
            for each in self._running.values()
        )
        if helped and len(self._nodes.ml) < _MOST_ML_NODES:
            self._growing = True
            threading.Thread(target=self._grow, name="autoscaling", daemon=True).start()

    def _grow(self) -> None:
        if self._ending.wait(self._options.grow_seconds):
            return
        with self.lock:
            self._growing = False
            self._nodes.grow()
            self._apply(self._plans(list(self._running.values())))


def new_deployment(parameters: dict[str, Any], adaptive: dict[str, Any] | None, elser: bool) -> Deployment:
    """A new deployment, not yet placed."""
    size = parameters["model_bytes"]
    memory = assignments.ELSER_MEMORY if elser else assignments.OVERHEAD + 2 * size
    return Deployment(parameters, datetime.now(UTC).isoformat().replace("+00:00", "Z"), adaptive, memory)


def _with_cache(deployment: Deployment) -> Deployment:
    size = size_in_bytes("cache_size", deployment.parameters["cache_size"])
    deployment.cache = EmbeddingCache(size) if size else None
    return deployment
