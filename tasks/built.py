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
