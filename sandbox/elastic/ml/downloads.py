"""The download of a packaged model, as a task that is lost when the server stops.

Parts are counted by the clock while it runs and written down when it ends. One that stalled keeps its parts, one that
was lost begins anew, both when the model is asked for again. Nothing travels: the model that answers is installed (splade.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ACTION = "xpack/ml/model_import[n]"


@dataclass
class Download:
    """One download under way."""

    model: str
    parts: int
    seconds: float
    """For all the parts."""
    first: int = 0
    """Parts that an earlier download had brought."""
    stall_after: int = 0
    """Stops for good after so many parts; 0 for never."""
    began: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    """Done, stalled, cancelled, or lost with the server: whoever waits for it goes on."""

    def downloaded(self) -> int:
        """Parts that are there."""
        elapsed = time.monotonic() - self.began
        arrived = self.parts if self.seconds <= 0 else int(elapsed / self.seconds * self.parts)
        return min(self.first + arrived, self.last)

    @property
    def last(self) -> int:
        """The part with which this download ends, well or badly."""
        return min(self.stall_after, self.parts) if self.stall_after else self.parts

    def status(self) -> dict[str, Any]:
        """The status of its task."""
        return {"total_parts": self.parts, "downloaded_parts": self.downloaded()}

    def run(self, ending: threading.Event, arrived: Callable[[int], None]) -> None:
        """Wait for the parts, unless cancelled; `arrived` gets the number of all that came, once no more will."""
        try:
            while not self.ended.is_set() and not ending.is_set():
                if self.downloaded() >= self.last:
                    arrived(self.last)
                    return
                missing = (self.last - self.downloaded()) / self.parts * self.seconds
                self.ended.wait(min(max(missing, 0.01), 0.2))
        finally:
            self.ended.set()
