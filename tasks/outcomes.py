"""What an `ensure_*` step found and did, in one form for every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Did = Literal["nothing", "created", "changed", "adopted"]
"""`adopted`: an earlier run began it and the service still works on it; followed, not begun again."""


@dataclass(frozen=True)
class Ensured(Generic[T]):
    """What is there now, and what had to be done for it."""

    there: T
    did: Did = "nothing"

    @property
    def changed(self) -> bool:
        """Whether this step changed anything itself."""
        return self.did in ("created", "changed")
