"""Percentiles of measured times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
