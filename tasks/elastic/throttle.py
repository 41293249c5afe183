"""How fast a reindex may go: slower when the model's queue rejects texts, faster again when it does not.

Must not: talk to anybody. Rethrottling acts between batches only, so it is judged over several looks.
"""

from __future__ import annotations

UNLIMITED = -1.0
"""Elasticsearch's word for no throttle."""
QUIET_LOOKS = 3
"""Looks without a rejection before it may go faster."""
SLOWER, FASTER = 0.5, 1.5
LEAST_PER_SECOND = 0.5
ENOUGH = 2.0
"""At so many times the model's own speed the throttle does nothing any more, and is taken off."""


class Throttle:
    """Decides the `requests_per_second` (documents) of one task.

    Args:
        speed: documents a second that the model was measured to embed.
        now: the throttle that the task has.
    """

    def __init__(self, speed: float, *, now: float = UNLIMITED) -> None:
        self._speed, self.now = speed, now
        self._rejected: int | None = None
        self._quiet = 0
        self.lowered = self.raised = 0

    def see(self, rejected: int) -> float | None:
        """Take note of how many texts were rejected so far.

        Returns:
            The new `requests_per_second`, or None to leave it.
        """
        before, self._rejected = self._rejected, rejected
        if before is None:
            return None
        if rejected > before:
            self._quiet = 0
            return self._lower()
        if self.now == UNLIMITED:
            return None
        self._quiet += 1
        return self._raise() if self._quiet >= QUIET_LOOKS else None

    def _lower(self) -> float | None:
        slower = max(LEAST_PER_SECOND, (self._speed if self.now == UNLIMITED else self.now) * SLOWER)
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
