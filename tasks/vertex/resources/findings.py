"""What a precondition check found, as a value.

Must not: look for anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

State = Literal["ok", "missing", "unknown", "not needed"]


class Finding(BaseModel, frozen=True):
    """One precondition."""

    what: str
    """The precondition: `API compute.googleapis.com enabled`."""
    state: State
    seen: str
    command: str = ""
    """What mends it, as typed in a shell."""

    @property
    def is_in_the_way(self) -> bool:
        """Whether a build would fail on it."""
        return self.state == "missing"
