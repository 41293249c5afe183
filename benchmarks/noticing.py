"""Noticing the end of an operation: our pace of looks beside fixed intervals and that of Google's own client.

    python -m benchmarks.noticing [--operations 2000]

The operations take from five seconds to an hour, each length as likely as its double. The clock is a number: no time passes, and
a look takes none. How late an end is noticed is the share of the operation's length.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Iterator
from itertools import repeat
from math import log2
from types import SimpleNamespace
from typing import Any, cast

from google.api_core.future.polling import DEFAULT_POLLING
from google.api_core.retry import exponential_sleep_generator

from benchmarks.measured import Aim, Comparison, Figure
from tasks.waiting import pace_of_looks

SHORTEST, LONGEST = 5.0, 3600.0
"""Seconds of an operation."""

Pauses = Callable[[], Iterator[float]]


def our_pauses() -> Iterator[float]:
    """The project's way, without the looks."""
    passed = 0.0
    while True:
        pause = pace_of_looks(cast("Any", SimpleNamespace(outcome=None, seconds_since_start=passed)))
        passed += pause
        yield pause


def pauses_of_the_client() -> Iterator[float]:
    """`operation.result()` of google-api-core, at its defaults."""
    defaults = vars(DEFAULT_POLLING)
    return exponential_sleep_generator(
        *(defaults[f"_{name}"] for name in ("initial", "maximum", "multiplier"))
    )


WAYS: dict[str, Pauses] = {
    "every half second": lambda: repeat(0.5),
    "every ten seconds": lambda: repeat(10.0),
    "google-api-core, result()": pauses_of_the_client,
    "ours": our_pauses,
}


def watched(seconds: float, pauses: Iterator[float]) -> tuple[int, float]:
    """How many looks an operation of this length takes, and how late its end is seen as a share of its length."""
    now, looks = 0.0, 1
    while now < seconds:
        now += next(pauses)
        looks += 1
    return looks, (now - seconds) / seconds


def comparisons(operations: int = 2000) -> list[Comparison]:
    """One."""
    chance = random.Random(0)  # noqa: S311 -- the same operations at every run
    lengths = [SHORTEST * 2 ** chance.uniform(0, log2(LONGEST / SHORTEST)) for _ in range(operations)]
    figures, first = list[Figure](), 0.0
    for way, pauses in WAYS.items():
        seen = [watched(seconds, pauses()) for seconds in lengths]
        looks = [float(count) for count, _ in seen]
        late = [100 * share for _, share in seen]
        mean = statistics.mean(looks)
        few_and_soon = mean < first and statistics.mean(late) < 5
        figures.append(
            Figure(
                way=way,
                rates=looks,
                ratio=mean / first if first else None,
                note=f"{statistics.mean(late):.1f} % of the length late on average, {max(late):.0f} % at most",
                aim=Aim("less than 5 % late, fewer looks", few_and_soon) if way == "ours" else None,
            )
        )
        first = first or mean
    title = f"Noticing the end of {operations:,} operations of 5 s to 1 h (no time passes; the ratio is of all looks)"
    return [Comparison(title=title, unit="looks each", figures=figures)]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noticing")
    parser.add_argument("--operations", type=int, default=2000)
    for comparison in comparisons(parser.parse_args().operations):
        print(comparison)


if __name__ == "__main__":
    main()
