"""How fast a reindex may go: slower when the model's queue rejects texts, faster again when it does not.

Rethrottling acts only between batches, so its effect is judged after another batch. Nothing is called here.
"""

from __future__ import annotations

UNLIMITED = -1.0
"""Elasticsearch's word for no throttle."""
QUIET_BATCHES = 3
"""Batches without a rejection before it may go faster."""
SLOWER, FASTER = 0.5, 1.5
LEAST = 0.125
"""Below this part of the model's speed, slower does not help: then a single batch is too large for the queue."""
ENOUGH = 2.0
"""At this multiple of the model's own speed the throttle no longer does anything, and is removed."""


class Throttle:
    """Decides the `requests_per_second` (documents) of one task.

    Args:
        speed: documents per second that the model was measured to embed.
        rejected: texts that were rejected before.
        now: the throttle that the task has.
    """

    def __init__(self, speed: float, *, rejected: int = 0, now: float = UNLIMITED) -> None:
        self._speed, self._rejected, self.now = speed, rejected, now
        self._batches = -1
        self._quiet = 0
        self.lowered = self.raised = 0

    def see(self, rejected: int, batches: int) -> float | None:
        """Take note of how many texts were rejected, and how many batches the task has done, so far.

        Returns:
            The new `requests_per_second`, or None to leave it.
        """
        if batches == self._batches:
            return None
        self._batches = batches
        before, self._rejected = self._rejected, rejected
        if rejected > before:
            self._quiet = 0
            return self._lower()
        if self.now == UNLIMITED:
            return None
        self._quiet += 1
        return self._raise() if self._quiet >= QUIET_BATCHES else None

    def _lower(self) -> float | None:
        slower = max(LEAST * self._speed, (self._speed if self.now == UNLIMITED else self.now) * SLOWER)
        if slower == self.now:
            return None
        self.now = slower
        self.lowered += 1
        return slower

    def _raise(self) -> float:
        self._quiet = 0
        self.raised += 1
        faster = self.now * FASTER
        self.now = UNLIMITED if faster >= ENOUGH * self._speed else faster
        return self.now
