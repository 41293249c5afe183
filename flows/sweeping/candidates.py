"""What a sweep finds of ours, name by name, and what it thinks of each. It removes nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.engine import Engine
from tasks.built import Built
from tasks.errors import InvalidInput
from tasks.plurals import counted

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MOST = timedelta(days=36_500)
_DAY_HOURS = 24


def duration(text: str, *, source: str) -> timedelta:
    """A time that people write: 36h, 14d, 2w.

    Args:
        text: what was written.
        source: the option.

    Raises:
        InvalidInput: it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([hdw])", text)
    length = int(found[1]) * _UNITS[found[2]] if found else None
    if length is None or length > _MOST:
        raise InvalidInput(
            "This is no time", value=text, source=source, accepted="a number with h, d or w: 36h, 14d, 2w"
        )
    return length


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When something is to go."""

    idle: timedelta
    """What no search can reach, after this time; it may be half of a build that is still running."""
    expires: timedelta | None = None
    """Everything, after this time; None for never."""
    keep: tuple[str, ...] = ()
    """Names that stay."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Everything that an engine has under one name: it is removed together, or stays."""

    engine: Engine[Any]
    name: str
    built: tuple[Built, ...]

    @property
    def since(self) -> datetime | None:
        """When the youngest of it was made; None if that is not known of all."""
        made = [one.since for one in self.built if one.since is not None]
        return max(made) if len(made) == len(self.built) else None

    @property
    def is_idle(self) -> bool:
        """Whether no search can reach any of it."""
        return all(one.is_idle for one in self.built)

    @property
    def daily(self) -> float | None:
        """USD a day, about; None where a price is not known here."""
        costs = [one.hourly for one in self.built]
        return None if None in costs else _DAY_HOURS * sum(cost or 0.0 for cost in costs)

    @property
    def holds(self) -> str:
        """How much is in it, in words."""
        return ", ".join(dict.fromkeys(one.holds for one in self.built))

    @property
    def serves(self) -> str:
        """Where it answers, in words."""
        return ", ".join(dict.fromkeys(one.serves for one in self.built))

    def age(self, now: datetime) -> timedelta | None:
        """How old the youngest of it is."""
        return None if self.since is None else now - self.since

    def verdict(self, limits: Limits, now: datetime) -> str:
        """Why it is to go, in words; empty if it stays."""
        age = self.age(now)
        if age is None or self.name in limits.keep or not all(one.is_torn_down for one in self.built):
            return ""
        if limits.expires is not None and age >= limits.expires:
            return f"older than {in_words(limits.expires)}"
        return "idle" if self.is_idle and age >= limits.idle else ""


def candidates(found: Iterable[tuple[Engine[Any], Built]]) -> list[Candidate]:
    """What was found, by engine and name."""
    grouped = dict[tuple[str, str], list[tuple[Engine[Any], Built]]]()
    for engine, one in found:
        grouped.setdefault((engine.name, one.name), []).append((engine, one))
    return [
        Candidate(engine=several[0][0], name=name, built=tuple(one for _, one in several))
        for (_, name), several in grouped.items()
    ]


def refuse_unknown(keep: Collection[str], found: Iterable[Candidate]) -> None:
    """Refuse to keep a name that is not there: it is a typing error, and the right one would go.

    Raises:
        InvalidInput: names it, and those that there are.
    """
    names = dict.fromkeys(one.name for one in found)
    for name in keep:
        if name not in names:
            raise InvalidInput(
                "There is nothing of ours under this name to keep", value=name, source="--keep", accepted=", ".join(names)
            )  # fmt: skip


def in_words(length: timedelta) -> str:
    """A time in the largest unit that fits: `3 days`, `5 hours`."""
    if length >= timedelta(days=2):
        return counted(length.days, "day")
    return counted(int(length.total_seconds() // 3600), "hour")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
