"""Which node carries how many allocations of which deployment, and why no more: the capacity model, pure arithmetic.

Simpler than the real planner (a linear program): what is placed stays where it is, then the rest goes, oldest
deployment first and low priority last, to the node with the most free processors. It knows no clock and no server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MEGABYTE = 1 << 20
ELSER_MEMORY = 2004 * MEGABYTE
"""Native memory of an ELSER deployment on a node, whatever its allocations (PyTorchModelIT)."""
OVERHEAD = 240 * MEGABYTE
"""Of any other model, to which twice its definition is added (PyTorchModelIT)."""
RESERVED = 512 * MEGABYTE
"""Of a node's memory, not for models: the operating system and the node's own overhead [U: the number]."""


@dataclass(frozen=True)
class Place:
    """What one node offers."""

    id: str
    processors: int
    memory: int
    """Bytes for models."""


@dataclass(frozen=True)
class Wish:
    """What one deployment asks for."""

    id: str
    allocations: int
    threads: int
    memory: int
    """Bytes on every node that carries an allocation."""
    low_priority: bool = False
    """Takes no processors from others and comes last."""
    placed: Mapping[str, int] = field(default_factory=dict)
    """Allocations per node that it has already."""


@dataclass(frozen=True)
class Plan:
    """What came out for one deployment."""

    allocations: dict[str, int]
    """Per node; nodes without any are left out."""
    reason: str
    """Why there are no more, in the service's words; empty if all are placed."""


def plan(places: Sequence[Place], wishes: Sequence[Wish]) -> dict[str, Plan]:
    """Allocations for every deployment, by its id; `wishes` in the order of their starts."""
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
    """What is left of one node while a plan is made."""

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
    """What stays where it is; of too many the last nodes give theirs back."""
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
    """Bytes as `ByteSizeValue` prints them: one decimal, cut, and no `.0`."""
    for unit, factor in (("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)):
        if size >= factor:
            return f"{int(size * 10 / factor) / 10:g}{unit}"
    return f"{size}b"
