"""From values to places in a picture, and numbers as its axes show them."""

from __future__ import annotations

import math
from typing import NamedTuple

from tasks.measures.latency import round_up

_TICKS = 4
"""Of an axis, about."""


class Axis(NamedTuple):
    """From values to places."""

    low: float
    high: float
    begins: float
    ends: float

    @classmethod
    def of(cls, low: float, high: float, begins: float, ends: float) -> Axis:
        """From a lowest to a highest value; of a single one, an axis of length one."""
        return cls(low, high if high > low else low + 1, begins, ends)

    def at(self, value: float) -> float:
        """The place of a value."""
        return round(self.begins + (value - self.low) / (self.high - self.low) * (self.ends - self.begins), 2)

    def ticks(self) -> list[float]:
        """Round values that are marked."""
        step = round_up((self.high - self.low) / _TICKS / 1.5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def number(value: float) -> str:
    """As an axis shows it."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
