"""Paces streaming updates, so that a large upsert stays within a project's quotas and is not throttled.

The quotas of one project and region are 6,000 requests and 120,000 KB per minute ("Vertex AI quotas and limits").
Counts are not shared with other processes; if several share a project's quotas, give each its part.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

BURST = 0.05
"""The part of a minute's quota that may go out at once; the rest flows evenly, so that no minute exceeds the quota."""

_NO_TIME = 1e-9
"""A wait this short comes from rounding."""


@dataclass(frozen=True)
class Quotas:
    """What may be sent in any 60 seconds."""

    requests: float = 6_000
    bytes: float = 120_000 * 1_000
    """The documentation says KB; read as 1,000 bytes, the smaller of its two meanings."""


PROJECT_QUOTAS = Quotas()
"""The documented ones, all of them for one process."""


class Pace:
    """A token bucket for requests and one for bytes.

    Args:
        quotas: what may be sent in any 60 seconds.
        clock: seconds that never go back.
        sleep: waits for that many seconds.
    """

    def __init__(
        self,
        quotas: Quotas,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._full = (quotas.requests * BURST, quotas.bytes * BURST)
        self._rates = (quotas.requests * (1 - BURST) / 60, quotas.bytes * (1 - BURST) / 60)
        self._tokens = list(self._full)
        self._seen = clock()

    @property
    def most_bytes(self) -> float:
        """The largest request that can ever be sent."""
        return self._full[1]

    def wait_for(self, size: int) -> None:
        """Wait until one request of this many bytes may go out, and count it.

        Raises:
            ValueError: it is larger than the burst; waiting would never end.
        """
        costs = (1.0, float(size))
        if any(cost > full for cost, full in zip(costs, self._full, strict=True)):
            raise ValueError(f"a request of {size} bytes does not fit into {self._full}")
        while (seconds := self._missing(costs)) > _NO_TIME:
            self._sleep(seconds)
        self._tokens = [left - cost for left, cost in zip(self._tokens, costs, strict=True)]

    def _missing(self, costs: tuple[float, float]) -> float:
        """Seconds until there are enough tokens of both kinds."""
        now = self._clock()
        elapsed, self._seen = now - self._seen, now
        self._tokens = [
            min(full, left + elapsed * rate)
            for full, left, rate in zip(self._full, self._tokens, self._rates, strict=True)
        ]
        return max(
            (cost - left) / rate for cost, left, rate in zip(costs, self._tokens, self._rates, strict=True)
        )
