"""A mean with the interval that resampling gives it: some sixty questions do not make a number exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2_000
_SEED = 12


@dataclass(frozen=True)
class Mean:
    """A mean over questions."""

    value: float
    low: float
    """The 2.5th percentile of the means of `RESAMPLES` samples with replacement."""
    high: float
    """The 97.5th."""
    questions: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, {self.questions} questions)"


def mean(values: Sequence[float]) -> Mean | None:
    """The mean of some values, the same interval every time; None of no values."""
    if not values:
        return None
    there = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(_SEED).integers(0, len(there), size=(RESAMPLES, len(there)))
    low, high = np.percentile(there[chosen].mean(axis=1), (2.5, 97.5))
    return Mean(float(there.mean()), float(low), float(high), len(there))
