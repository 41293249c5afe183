"""What stands under the names of this project at a service, for people who ask what is there and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Built:
    """Something that bears our mark."""

    name: str
    """What its commands call it."""
    kind: str
    """`index`, `endpoint`, `collection`, ..."""
    holds: str
    """How much is in it, in words."""
    serves: str
    """Where it answers, or why it does not."""
    since: datetime | None = None
    """When it was made; None where the service does not say."""
    hourly: float | None = None
    """USD an hour, about; 0 where it costs nothing by the hour, None where the price is not known here."""
    is_idle: bool = False
    """Whether no search can reach it: an index that is not deployed, or that no alias points at."""
    is_torn_down: bool = True
    """Whether the engine's teardown of its name removes it: not what is only the source of something."""


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """Something without our mark, which is never touched."""

    kind: str
    name: str
