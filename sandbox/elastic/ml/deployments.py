"""Deployments of models: where their allocations lie, in which state they are, and the queues in front of them.

What was asked for outlives the server; the queues do not, and a restarted deployment starts anew. What clients call is
in deployment_api.py, the arithmetic of places in assignments.py. Nothing here reads a request.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.elastic.ml import assignments
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.inference_queue import Awaited, EmbeddingCache, Inquiry, NodeQueue
from sandbox.elastic.ml.splade import load_splade
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.store import Records
from sandbox.elastic.wire.sizes import size_in_bytes

_MOST_ML_NODES = 16
"""Autoscaling has a limit everywhere."""


@dataclass
class Deployment:
    """One deployment, as it runs."""

    parameters: dict[str, Any]
    """`task_parameters` of an assignment, as the service shows them."""
    start_time: str
    adaptive: dict[str, Any] | None
    memory: int
    reason: str = ""
    most: int = 0
    """`max_assigned_allocations`."""
    queues: dict[str, NodeQueue] = field(default_factory=dict)
    """By node; a node without an allocation has none."""
    ready: dict[str, float] = field(default_factory=dict)
    """By node: the monotonic time at which it is started."""
    cache: EmbeddingCache | None = None

    @property
    def id(self) -> str:
        """Its own id, which may be the model's."""
        return self.parameters["deployment_id"]

    @property
    def model(self) -> str:
        """The model that it runs."""
        return self.parameters["model_id"]

    def started_on(self, node: str) -> bool:
        """Whether the allocations of this node answer."""
        return time.monotonic() >= self.ready[node]

    def started(self) -> list[NodeQueue]:
        """The queues that answer."""
        return [queue for node, queue in self.queues.items() if self.started_on(node)]

    def state(self) -> str:
        """`assignment_state`."""
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
        self, records: Records, nodes: Nodes, options: ElasticOptions, ending: threading.Event
    ) -> None:
        self._records = records
        self._nodes = nodes
        self._options = options
        self._ending = ending
        self.lock = threading.RLock()
        self._running: dict[str, Deployment] = {}
        self._growing = False

    def restore(self) -> None:
        """Start again what ran when the server stopped."""
        with self.lock:
            for record in self._records.all().values():
                deployment = Deployment(**record)
                self._running[deployment.id] = _with_cache(deployment)
            self._apply(self._plans(list(self._running.values())))

    def close(self) -> None:
        """End all workers; what was asked for stays on record."""
        with self.lock:
            for deployment in self._running.values():
                for queue in deployment.queues.values():
                    queue.close()

    def all(self) -> list[Deployment]:
        """By deployment id, as the statistics order them."""
        with self.lock:
            return [self._running[name] for name in sorted(self._running)]

    def find(self, deployment: str) -> Deployment | None:
        """The one with this id; a model's id does not count."""
        return self._running.get(deployment)

    def at_work_on(self, node: str) -> int:
        """How many allocations on a node are at work."""
        return sum(each.queues[node].busy() for each in self.all() if node in each.queues)

    def of_model(self, model: str) -> list[Deployment]:
        """All deployments of a model."""
        return [each for each in self.all() if each.model == model]

    def start(self, deployment: Deployment) -> Deployment:
        """Place a new deployment.

        Raises:
            Refusal: it fits nowhere, or only in part, and the cluster cannot grow; then nothing of it is left.
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
            self._running[deployment.id] = _with_cache(deployment)
            self._apply(plans)
            return deployment

    def update(self, deployment: Deployment, allocations: int, adaptive: dict[str, Any] | None) -> None:
        """Give it more or fewer allocations.

        Raises:
            Refusal: it is not started, or there is no room and the cluster cannot grow.
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
        """Take it down; what waits in its queues is refused, what lacked room elsewhere gets it."""
        with self.lock:
            self._running.pop(deployment.id, None)
            self._records.delete(deployment.id)
            for queue in deployment.queues.values():
                queue.close()
            self._apply(self._plans(list(self._running.values())))

    def ask(
        self, deployment: Deployment, texts: Sequence[str], priority: int
    ) -> tuple[list[Inquiry], Awaited]:
        """Queue texts as a whole, each on the node with the least to do.

        Raises:
            Refusal: no node of the deployment is started.
        """
        queues = deployment.started()
        if not queues:
            raise ml_errors.INFER_NO_NODE.refusal(deployment=deployment.id)
        awaited = Awaited(len(texts))
        inquiries = [Inquiry(text, awaited) for text in texts]
        for inquiry in inquiries:
            min(queues, key=NodeQueue.load).submit(inquiry, priority)
        return inquiries, awaited

    def free_places(self) -> list[assignments.Place]:
        """What the machine-learning nodes offer, before anything is placed."""
        return [
            assignments.Place(node.id, node.processors, max(0, node.memory - assignments.RESERVED))
            for node in self._nodes.ml
        ]

    def _plans(self, deployments: list[Deployment]) -> dict[str, assignments.Plan]:
        wishes = [
            assignments.Wish(
                each.id,
                each.parameters["number_of_allocations"],
                each.parameters["threads_per_allocation"],
                each.memory,
                each.parameters["priority"] == "low",
                {node: queue.allocations for node, queue in each.queues.items()},
            )
            for each in sorted(deployments, key=lambda each: each.start_time)
        ]
        return assignments.plan(self.free_places(), wishes)

    def _queue(self, deployment: Deployment, node: str) -> NodeQueue:
        parameters = deployment.parameters
        seconds = self._options.inference_seconds / parameters["threads_per_allocation"]
        capacity = parameters["queue_capacity"]
        return NodeQueue(node, capacity, seconds, lambda texts: load_splade().embed(texts), deployment.cache)

    def _apply(self, plans: dict[str, assignments.Plan]) -> None:
        options = self._options
        for name, plan in plans.items():
            deployment = self._running[name]
            gone = [queue for node, queue in deployment.queues.items() if node not in plan.allocations]
            queues = {node: queue for node, queue in deployment.queues.items() if queue not in gone}
            for node, allocations in plan.allocations.items():
                if node not in queues:
                    queues[node] = self._queue(deployment, node)
                    deployment.ready[node] = time.monotonic() + options.start_seconds
                queues[node].resize(allocations)
            # In one piece, since requests look at it without a lock.
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
                },
            )
        self._grow_where_needed()

    def _grow_where_needed(self) -> None:
        """Have another node join, later, when what lacks room would fit there."""
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
    """A deployment that is not placed yet."""
    size = parameters["model_bytes"]
    memory = assignments.ELSER_MEMORY if elser else assignments.OVERHEAD + 2 * size
    return Deployment(parameters, datetime.now(UTC).isoformat().replace("+00:00", "Z"), adaptive, memory)


def _with_cache(deployment: Deployment) -> Deployment:
    size = size_in_bytes("cache_size", deployment.parameters["cache_size"])
    deployment.cache = EmbeddingCache(size) if size else None
    return deployment
