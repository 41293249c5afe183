"""The durations that are documented, from one file with their sources and date: flows/durations/durations.toml."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from flows.durations.expected import Expected

FILE = Path(__file__).with_name("durations.toml")


class Timing(BaseModel, frozen=True, extra="forbid"):
    """How long it takes until a resource of a kind is as it should."""

    engine: str
    kind: str
    """As a plan calls it; `data` for what is sent."""
    actions: tuple[str, ...] = ()
    """What becomes of it; empty for anything."""
    field: str = ""
    """That must differ, of a change; empty for any."""
    step: str = ""
    """How the title of its step begins in a report; empty if it has none of its own."""
    did: str = ""
    """What the step of the report must say that it did; empty for anything."""
    minutes: tuple[float, float] | None = None
    """Least and most; None where nothing is documented, and only an earlier run can tell."""
    basis: str = ""
    source: str = ""

    def fits(self, engine: str, kind: str, action: str, fields: frozenset[str]) -> bool:
        """Whether it is of this resource."""
        return (
            (self.engine, self.kind) == (engine, kind)
            and (not self.actions or action in self.actions)
            and (not self.field or self.field in fields)
        )

    @property
    def expected(self) -> Expected | None:
        """What is documented."""
        if self.minutes is None:
            return None
        least, most = self.minutes
        return Expected(least_seconds=60 * least, most_seconds=60 * most, basis=self.basis)


class Speed(BaseModel, frozen=True, extra="forbid"):
    """How fast a model embeds."""

    per_second: tuple[float, float]
    """Documents per second and allocation: least and most."""
    basis: str
    source: str


class Durations(BaseModel, frozen=True, extra="forbid"):
    """All of them."""

    as_of: date
    seconds: dict[str, tuple[str, ...]]
    """Kinds that take seconds, by engine."""
    steps: tuple[Timing, ...]
    elser: Speed


@cache
def durations() -> Durations:
    """What the file says."""
    return Durations.model_validate(tomllib.loads(FILE.read_text()))


def embedding(documents: int, allocations: int) -> Expected:
    """How long ELSER embeds that many documents with that many allocations, as documented.

    Args:
        documents: of 256 to 512 tokens.
        allocations: 0 counts as 1: it starts one.
    """
    speed = durations().elser
    slow, fast = (documents / (one * max(1, allocations)) for one in speed.per_second)
    return Expected(least_seconds=fast, most_seconds=slow, basis=speed.basis)
