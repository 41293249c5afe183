"""Percentiles of measured times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BARS = 24
"""Of a histogram, at most."""
Histogram = tuple[tuple[float, int], ...]
"""The lower ends of bars of equal width, each with the number of values from there to the next one's; the last bar has all above."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds. A percentile is a measured time (nearest rank), never interpolated."""

    p50: float
    p90: float
    p99: float
    max: float
    mean: float


def latency_percentiles(seconds: Sequence[float]) -> Latency:
    """Percentiles of the times of single requests.

    Raises:
        ValueError: no times at all.
    """
    if not seconds:
        raise ValueError("no times to take percentiles of")
    p50, p90, p99, most = np.percentile(seconds, [50, 90, 99, 100], method="inverted_cdf").tolist()
    return Latency(p50=p50, p90=p90, p99=p99, max=most, mean=float(np.mean(seconds)))


def histogram(values: Sequence[float]) -> Histogram:
    """How often values are how large, in bars whose width is 1, 2 or 5 times a power of ten.

    A few that are far above the others lie in the last bar: those above 1.5 times the 98th percentile.

    Args:
        values: none below 0.
    """
    if not values:
        return ()
    most = min(max(values), 1.5 * float(np.percentile(values, 98, method="inverted_cdf")))
    width = round_up((most - min(values)) / (BARS - 1))
    first, last = math.floor(min(values) / width), math.floor(most / width)
    counts = [0] * (last - first + 1)
    for value in values:
        counts[min(math.floor(value / width), last) - first] += 1
    return tuple((round((first + number) * width, 9), count) for number, count in enumerate(counts))


def round_up(width: float) -> float:
    """The next of 1, 2, 5 times a power of ten; 1 for nothing."""
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(one * power for one in (1.0, 2.0, 5.0, 10.0) if one * power >= width * (1 - 1e-9))
