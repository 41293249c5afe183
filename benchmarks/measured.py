"""Ways to do the same, timed in turn: first each of them once, then each again, so that a busy machine slows all of them alike.

The ratio is that of the two times of one round, and its median over the rounds: a machine whose speed drifts hardly changes it.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

ROUNDS = 5


@dataclass(frozen=True)
class Aim:
    """What a way should reach."""

    says: str
    """`at least 205,000 rows/s`."""
    met: bool

    def __str__(self) -> str:
        return f"{self.says}: {'met' if self.met else 'not met'}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One way."""

    way: str
    rates: Sequence[float]
    """How many a second, of each round."""
    ratio: float | None
    """Times the rate of the first way; None for that one."""
    note: str = ""
    """What else was measured, such as memory."""
    aim: Aim | None = None

    @property
    def median(self) -> float:
        """The middle rate."""
        return statistics.median(self.rates)

    @property
    def rate(self) -> str:
        """The middle rate, for people."""
        return _number(self.median)

    @property
    def spread(self) -> str:
        """The slowest and the fastest round, for people."""
        return f"{_number(min(self.rates))} to {_number(max(self.rates))}"

    @property
    def times(self) -> str:
        """The ratio for people, two digits of it: `0.74 x`; empty for the first way."""
        if self.ratio is None:
            return ""
        return f"{self.ratio:.2g} x" if self.ratio < 10 else f"{self.ratio:.0f} x"


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 20 else f"{rate:.2f}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ways to do the same, measured in one run."""

    title: str
    unit: str
    """What a rate counts: `rows/s`."""
    figures: Sequence[Figure] = field(default_factory=tuple[Figure, ...])

    def __str__(self) -> str:
        return "\n".join([self.title, *map(self._line, self.figures)])

    def with_one(self, unit: str, per_second: float = 1) -> Comparison:
        """With the time of one beside its rate.

        Args:
            unit: of that time, and of what: `ms a query`.
            per_second: that unit in the time that the rate counts in: 1000 for milliseconds of a rate per second.
        """
        noted = [
            replace(each, note=f"{per_second / statistics.median(each.rates):.2f} {unit}")
            for each in self.figures
        ]
        return replace(self, figures=noted)

    def aiming(self, way: str, *, rate: float | None = None, ratio: float | None = None) -> Comparison:
        """With an aim of a way.

        Args:
            way: which.
            rate: the least that its median should be.
            ratio: the least that its ratio should be.
        """
        aimed = list[Figure]()
        for each in self.figures:
            says, met = list[str](), list[bool]()
            if rate is not None:
                says.append(f"at least {_number(rate)} {self.unit}")
                met.append(each.median >= rate)
            if ratio is not None:
                says.append(f"at least {ratio:.2g} x")
                met.append((each.ratio or 1) >= ratio)
            aim = Aim(", ".join(says), all(met))
            aimed.append(replace(each, aim=aim) if each.way == way else each)
        return replace(self, figures=aimed)

    def _line(self, figure: Figure) -> str:
        line = f"  {figure.way:34} {figure.rate:>11} {self.unit:16} {figure.spread:>24} {figure.times:>8} {figure.note}"
        if figure.aim:
            line = f"{line.rstrip()}  [{figure.aim}]"
        return line.rstrip()


def in_turn(
    title: str,
    ways: Mapping[str, Callable[[], object]],
    *,
    count: int,
    unit: str,
    rounds: int = ROUNDS,
    notes: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare ways with the first of them.

    Args:
        title: what they do.
        ways: each does it once, for `count` things.
        count: how many things a call does.
        unit: what a rate counts, such as `rows/s`.
        rounds: how often each is timed, after one round that does not count.
        notes: what else is to be said of a way.
    """
    gc.freeze()  # as every command does when all that it needs is loaded
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for round_ in range(rounds + 1):
        for way, run in ways.items():
            gc.collect()
            began = time.perf_counter()
            run()
            took = time.perf_counter() - began
            if round_:
                seconds[way].append(took)
    first, notes = next(iter(ways)), notes or {}
    figures = [
        Figure(
            way=way,
            rates=[count / each for each in took],
            ratio=None
            if way == first
            else statistics.median(a / b for a, b in zip(seconds[first], took, strict=True)),
            note=notes.get(way, ""),
        )
        for way, took in seconds.items()
    ]
    return Comparison(title=title, unit=unit, figures=figures)
