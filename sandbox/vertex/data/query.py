"""What a query asks for, and what it finds, in the words of no protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.vertex.data.restricts import Number, Tokens
from sandbox.vertex.data.sparse import SparseVector
from sandbox.vertex.data.vectors import Vectors

DEFAULT_NEIGHBORS = 10


@dataclass(frozen=True)
class Query:
    """A query, checked: it has the parts that count for it."""

    vector: Vectors | None = None
    sparse: SparseVector | None = None
    alpha: float = 1.0
    """Weight of the dense result in a query with both parts, 1 - alpha being that of the sparse one."""
    neighbors: int = DEFAULT_NEIGHBORS
    per_tag: int = 0
    """The most neighbors that may share a crowding tag; 0 means no limit."""
    approximate: int = 0
    """Candidates before exact reordering; 0 means the index's own number."""
    leaf_fraction: float = 0.0
    """Share of leaves to search; 0 means the index's own."""
    tokens: Sequence[Tokens] = ()
    numbers: Sequence[Number] = ()

    @property
    def restricted(self) -> bool:
        """Whether some rows may be ineligible."""
        return bool(self.tokens or self.numbers)

    @property
    def crowded(self) -> bool:
        """Whether crowding can change the answer."""
        return 0 < self.per_tag < self.neighbors


@dataclass(frozen=True)
class Hit:
    """A neighbor: its row and its distances as the service reports them, 0 where a part did not find it."""

    row: int
    distance: float = 0.0
    sparse_distance: float = 0.0
