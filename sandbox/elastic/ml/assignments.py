"""The capacity model: how many allocations of which deployment each node gets, and why not more. Pure arithmetic.

Simpler than the real planner, which is a linear program: existing allocations stay where they are; the rest, oldest
deployment first and low priority last, go to the node with the most free processors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEGABYTE = 1 << 20
ELSER_MEMORY = 2004 * MEGABYTE
"""Native memory of an ELSER deployment on a node, regardless of its allocations (PyTorchModelIT.java)."""
OVERHEAD = 240 * MEGABYTE
"""Native memory of any other model, in addition to twice the size of its definition (PyTorchModelIT.java)."""
RESERVED = 512 * MEGABYTE
"""A node's memory that models cannot use: operating system and the node's own overhead. The number is from memory."""


@dataclass(frozen=True)
class Capacity:
    """The capacity of one node."""

    id: str
    processors: int
    memory: int
    """Bytes for models."""


@dataclass(frozen=True)
class Demand:
    """The demand of one deployment."""

    id: str
    allocations: int
    threads: int
    memory: int
    """Bytes on every node that has an allocation."""
    low_priority: bool = False
    """Uses no processors and is placed last."""
    placed: Mapping[str, int] = field(default_factory=dict)
    """Its existing allocations, by node."""


@dataclass(frozen=True)
class Plan:
    """The plan for one deployment."""

    allocations: dict[str, int]
    """By node; nodes without any are left out."""
    reason: str
    """Why there are not more, in the service's words; empty if all are placed."""


def plan(capacities: Sequence[Capacity], demands: Sequence[Demand]) -> dict[str, Plan]:
    """A plan for every deployment, by id; `demands` are in the order of their starts."""
    remaining = {
        capacity.id: _Remaining(capacity, capacity.processors, capacity.memory) for capacity in capacities
    }
    kept = {demand.id: _kept(demand, remaining) for demand in demands}
    plans = {}
    for demand in sorted(demands, key=lambda each: each.low_priority):
        allocations = kept[demand.id]
        missing = demand.allocations - sum(allocations.values())
        for node in sorted(remaining.values(), key=lambda each: -each.processors):
            added = min(missing, node.fits(demand, node.capacity.id in allocations))
            if added:
                node.take(demand, added, node.capacity.id in allocations)
                allocations[node.capacity.id] = allocations.get(node.capacity.id, 0) + added
                missing -= added
        reasons = (
            [node.refusal(demand, node.capacity.id in allocations) for node in remaining.values()]
            if missing
            else []
        )
        if missing and not remaining:
            reasons = ["No ML nodes exist in the cluster"]
        plans[demand.id] = Plan(allocations, "|".join(reasons))
    return plans


@dataclass
class _Remaining:
    """What is left of one node during planning."""

    capacity: Capacity
    processors: int
    memory: int

    def fits(self, demand: Demand, loaded: bool) -> int:
        if not loaded and self.memory < demand.memory:
            return 0
        if demand.low_priority:
            return demand.allocations if self.capacity.processors else 0
        return max(self.processors, 0) // demand.threads

    def take(self, demand: Demand, allocations: int, loaded: bool) -> None:
        self.memory -= 0 if loaded else demand.memory
        self.processors -= 0 if demand.low_priority else allocations * demand.threads

    def refusal(self, demand: Demand, loaded: bool) -> str:
        intro = f"Could not assign (more) allocations on node [{self.capacity.id}]. Reason: "
        if not loaded and self.memory < demand.memory:
            return (
                f"{intro}This node has insufficient available memory. Available memory for ML "
                f"[{self.capacity.memory} ({readable(self.capacity.memory)})], free memory [{self.memory} "
                f"({readable(self.memory)})], estimated memory required for this model [{demand.memory} "
                f"({readable(demand.memory)})]."
            )
        return (
            f"{intro}This node has insufficient allocated processors. Available processors "
            f"[{self.capacity.processors}], free processors [{max(self.processors, 0)}], processors required for each "
            f"allocation of this model [{demand.threads}]"
        )


def _kept(demand: Demand, remaining: Mapping[str, _Remaining]) -> dict[str, int]:
    """The existing allocations that stay; if there are too many, the last nodes lose theirs."""
    kept: dict[str, int] = {}
    for node, allocations in demand.placed.items():
        wanted = min(allocations, demand.allocations - sum(kept.values()))
        if node in remaining and wanted > 0:
            fitting = min(wanted, remaining[node].fits(demand, loaded=False))
            if fitting:
                remaining[node].take(demand, fitting, loaded=False)
                kept[node] = fitting
    return kept


def readable(size: int) -> str:
    """Bytes as ByteSizeValue.java prints them: one decimal, truncated, without `.0`."""
    for unit, factor in (("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)):
        if size >= factor:
            return f"{int(size * 10 / factor) / 10:g}{unit}"
    return f"{size}b"
