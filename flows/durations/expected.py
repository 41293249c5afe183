"""How long a step will take, in words and seconds."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from flows.console import duration


class Expected(BaseModel, frozen=True):
    """How long something is expected to take."""

    least_seconds: float
    most_seconds: float
    basis: str
    """How that is known: `took 23 min on 2026-11-20`, or whose words it is."""

    def __str__(self) -> str:
        return f"{between(self.least_seconds, self.most_seconds)} ({self.basis})"


def between(least: float, most: float) -> str:
    """`20 min to 1 h`, `about 23 min`, `under a minute`."""
    if most < 60:
        return "under a minute"
    least, most = _rounded(least), _rounded(most)
    if least == most:
        return f"about {duration(most)}"
    if least < 60:
        return f"up to {duration(most)}"
    first = duration(least).removesuffix(" min") if most < 3600 else duration(least)
    return f"{first} to {duration(most)}"


def total(parts: Iterable[Expected]) -> tuple[float, float]:
    """One after the other, in seconds: least and most."""
    found = list(parts)
    return sum(one.least_seconds for one in found), sum(one.most_seconds for one in found)


def _rounded(seconds: float) -> float:
    """To minutes, from hours on to five of them: more is not known."""
    step = 60 if seconds < 3600 else 300
    return step * round(seconds / step)
