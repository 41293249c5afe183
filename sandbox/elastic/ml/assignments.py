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
class Place:
    """The capacity of one node."""

    id: str
    processors: int
    memory: int
    """Bytes for models."""


@dataclass(frozen=True)
class Wish:
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


def plan(places: Sequence[Place], wishes: Sequence[Wish]) -> dict[str, Plan]:
    """A plan for every deployment, by id; `demands` are in the order of their starts."""
    rooms = {place.id: _Room(place, place.processors, place.memory) for place in places}
    kept = {wish.id: _kept(wish, rooms) for wish in wishes}
    plans = {}
    for wish in sorted(wishes, key=lambda each: each.low_priority):
        allocations = kept[wish.id]
        missing = wish.allocations - sum(allocations.values())
        for room in sorted(rooms.values(), key=lambda each: -each.processors):
            added = min(missing, room.fits(wish, room.place.id in allocations))
            if added:
                room.take(wish, added, room.place.id in allocations)
                allocations[room.place.id] = allocations.get(room.place.id, 0) + added
                missing -= added
        reasons = (
            [room.refusal(wish, room.place.id in allocations) for room in rooms.values()] if missing else []
        )
        if missing and not rooms:
            reasons = ["No ML nodes exist in the cluster"]
        plans[wish.id] = Plan(allocations, "|".join(reasons))
    return plans


@dataclass
class _Room:
    """What is left of one node during planning."""

    place: Place
    processors: int
    memory: int

    def fits(self, wish: Wish, loaded: bool) -> int:
        if not loaded and self.memory < wish.memory:
            return 0
        if wish.low_priority:
            return wish.allocations if self.place.processors else 0
        return max(self.processors, 0) // wish.threads

    def take(self, wish: Wish, allocations: int, loaded: bool) -> None:
        self.memory -= 0 if loaded else wish.memory
        self.processors -= 0 if wish.low_priority else allocations * wish.threads

    def refusal(self, wish: Wish, loaded: bool) -> str:
        intro = f"Could not assign (more) allocations on node [{self.place.id}]. Reason: "
        if not loaded and self.memory < wish.memory:
            return (
                f"{intro}This node has insufficient available memory. Available memory for ML "
                f"[{self.place.memory} ({readable(self.place.memory)})], free memory [{self.memory} "
                f"({readable(self.memory)})], estimated memory required for this model [{wish.memory} "
                f"({readable(wish.memory)})]."
            )
        return (
            f"{intro}This node has insufficient allocated processors. Available processors "
            f"[{self.place.processors}], free processors [{max(self.processors, 0)}], processors required for each "
            f"allocation of this model [{wish.threads}]"
        )


def _kept(wish: Wish, rooms: Mapping[str, _Room]) -> dict[str, int]:
    """The existing allocations that stay; if there are too many, the last nodes lose theirs."""
    kept: dict[str, int] = {}
    for node, allocations in wish.placed.items():
        wanted = min(allocations, wish.allocations - sum(kept.values()))
        if node in rooms and wanted > 0:
            fitting = min(wanted, rooms[node].fits(wish, loaded=False))
            if fitting:
                rooms[node].take(wish, fitting, loaded=False)
                kept[node] = fitting
    return kept


def readable(size: int) -> str:
    """Bytes as ByteSizeValue.java prints them: one decimal, truncated, without `.0`."""
    for unit, factor in (("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)):
        if size >= factor:
            return f"{int(size * 10 / factor) / 10:g}{unit}"
    return f"{size}b"
