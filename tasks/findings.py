"""What a check of the prerequisites found, as a value."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

State = Literal["ok", "missing", "unknown", "not needed"]


class Finding(BaseModel, frozen=True):
    """One prerequisite."""

    what: str
    """The prerequisite: `API compute.googleapis.com enabled`."""
    state: State
    seen: str
    command: str = ""
    """The command that fixes it, as typed in a shell."""

    @property
    def is_in_the_way(self) -> bool:
        """Whether a build would fail on it."""
        return self.state == "missing"
