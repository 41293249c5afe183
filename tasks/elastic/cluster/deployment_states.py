"""Deployments of models as the statistics show them. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec
from tasks.steps import step


@dataclass(frozen=True, kw_only=True)
class DeploymentState:
    """A deployment as it was last read."""

    id: str
    model_id: str
    state: str
    """`starting`, `started`, `stopping`; the API also knows `failed`, but see `has_failed`."""
    reason: str
    """Why it makes no progress, per node; empty if nothing is in the way."""
    allocations: int
    """How many are requested."""
    allocated: int
    """How many run."""
    threads: int
    queue_capacity: int
    cache_size: str
    priority: str
    adaptive: AdaptiveAllocations | None
    nodes: int
    """How many nodes it is on; each has a queue of its own."""
    inferences: int
    rejected: int
    """Texts that found the queue full."""
    timeouts: int
    errors: int
    pending: int
    """Texts that wait in the queues now."""
    milliseconds: float | None
    """Average time of one inference that was not answered from the cache; None before the first."""
    start_time: int = 0
    """When its start was accepted, milliseconds since 1970; 0 if unknown. Tells it from another one with its id."""
    failed_nodes: int = 0
    """On how many of its nodes it has failed. Elasticsearch does not try again there."""

    @property
    def has_failed(self) -> bool:
        """Whether it failed on every node. Its state stays `starting` then (TrainedModelAssignment.java)."""
        return self.state == "failed" or 0 < self.nodes == self.failed_nodes

    def scaled(self, allocations: int) -> DeploymentSpec:
        """The specification of this deployment, whoever started it, with another number of allocations."""
        return DeploymentSpec.model_construct(
            id=self.id,
            model_id=self.model_id,
            allocations=allocations,
            threads=self.threads,
            priority=self.priority,
        )


@step("read deployment {deployment_id}")
def read_deployment(settings: ElasticSettings, deployment_id: str) -> DeploymentState | None:
    """One deployment by its id, or None."""
    return next((d for d in read_deployments.fn(settings) if d.id == deployment_id), None)


@step("list the deployments")
def read_deployments(settings: ElasticSettings) -> tuple[DeploymentState, ...]:
    """All deployments in the cluster, by id."""
    with calling("read the deployments"):
        found = connect(settings).ml.get_trained_models_stats(size=1000)
    entries = [
        deployment_state(entry["deployment_stats"])
        for entry in found["trained_model_stats"]
        if "deployment_stats" in entry
    ]
    return tuple(sorted(entries, key=lambda d: d.id))


def deployment_state(stats: dict[str, Any]) -> DeploymentState:
    """A deployment from its `deployment_stats`, or from those of them that the answer to its start shows."""
    nodes: list[dict[str, Any]] = stats.get("nodes") or []
    inferences, milliseconds = _inferences(nodes)
    routing: list[dict[str, str]] = [n.get("routing_state") or {} for n in nodes]
    reasons = dict.fromkeys(r.get("reason", "") for r in routing)
    status: dict[str, Any] = stats.get("allocation_status") or {}
    return DeploymentState(
        id=stats["deployment_id"],
        model_id=stats["model_id"],
        state=stats.get("state", "starting"),
        reason=stats.get("reason") or "; ".join(filter(None, reasons)),
        allocations=stats.get("number_of_allocations", 0),
        allocated=status.get("allocation_count", 0),
        threads=stats.get("threads_per_allocation", 1),
        queue_capacity=stats.get("queue_capacity", 0),
        cache_size=str(stats.get("cache_size", "")),
        priority=stats.get("priority", "normal"),
        adaptive=adaptive_of(stats.get("adaptive_allocations") or {}),
        nodes=len(nodes),
        inferences=stats.get("inference_count", inferences),
        rejected=stats.get("rejected_execution_count", 0),
        timeouts=stats.get("timeout_count", 0),
        errors=stats.get("error_count", 0),
        pending=sum(n.get("number_of_pending_requests", 0) for n in nodes),
        milliseconds=milliseconds,
        start_time=stats.get("start_time", 0),
        failed_nodes=sum(r.get("routing_state") == "failed" for r in routing),
    )


def _inferences(nodes: list[dict[str, Any]]) -> tuple[int, float | None]:
    """How many there were on all nodes, and their average time in milliseconds; None before the first."""
    used = [n for n in nodes if n.get("inference_count")]
    inferences = sum(n["inference_count"] for n in used)
    busy = sum(n["inference_count"] * _milliseconds(n) for n in used)
    return inferences, busy / inferences if inferences else None


def _milliseconds(node: dict[str, Any]) -> float:
    average = node.get("average_inference_time_ms", 0.0)
    return node.get("average_inference_time_ms_excluding_cache_hits", average)


def adaptive_of(found: dict[str, Any]) -> AdaptiveAllocations | None:
    """The adaptive allocations that a deployment or an endpoint shows; None if they are off.

    Without a minimum a deployment scales to zero, without a maximum to 32 (AdaptiveAllocationsScaler.java).
    """
    if not found.get("enabled"):
        return None
    least, most = found.get("min_number_of_allocations"), found.get("max_number_of_allocations")
    # Not validated: what somebody else started may go beyond what we ask for, such as Kibana's 99,999.
    return AdaptiveAllocations.model_construct(
        min=0 if least is None else least, max=32 if most is None else most
    )
