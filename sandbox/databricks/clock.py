"""How far something has come that takes time: it is computed when it is looked at, so a restart continues by itself."""

from __future__ import annotations

import math
import time
from typing import Any

from sandbox.databricks.options import DatabricksOptions
from sandbox.faults import FaultQueue

Work = dict[str, Any]
"""What is under way: `began` (Unix time), `seconds`, `looks` so far, and `fails` if it will end badly."""


class Clock:
    """Begins work and says how far it is.

    Args:
        options: the clock factor, or that looks move work on.
        faults: those that strike at the end of what a call starts.
    """

    def __init__(self, options: DatabricksOptions, faults: FaultQueue) -> None:
        self._options, self._faults = options, faults

    def begin(self, method: str, nominal: float) -> Work:
        """Work that a method starts and that takes this long in the real service's time."""
        fault = self._faults.take(method, "end")
        stalled = fault is not None and fault.kind == "stall"
        seconds = fault.seconds if fault and stalled else nominal / self._options.clock_factor
        return {
            "began": time.time(),
            "seconds": None if math.isinf(seconds) else seconds,
            "looks": 0,
            "fails": fault is not None and not stalled,
        }

    def look(self, work: Work) -> bool:
        """Count a look. Returns whether the work has to be stored for it."""
        work["looks"] += 1
        return self._options.advance == "reads"

    def is_done(self, work: Work) -> bool:
        """Whether the work has ended, well or badly."""
        if work["seconds"] is None:
            return False
        if self._options.advance == "reads":
            return work["looks"] >= self._options.reads
        return time.time() >= work["began"] + work["seconds"]
