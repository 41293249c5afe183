"""The download of a packaged model, as a task that is lost when the server stops.

Its progress follows the clock and is stored when it ends. When the model is requested again, a stalled download keeps its
parts and a lost one starts over. Nothing is transferred: the model that answers is already installed (sandbox/models/).
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
    """One running download."""

    model: str
    parts: int
    seconds: float
    """For all parts."""
    first: int = 0
    """Parts from an earlier download."""
    stall_after: int = 0
    """Stalls after this many parts; 0 for never."""
    began: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when it is done, stalled, cancelled, or lost with the server."""

    def downloaded(self) -> int:
        """The number of parts that have arrived."""
        elapsed = time.monotonic() - self.began
        arrived = self.parts if self.seconds <= 0 else int(elapsed / self.seconds * self.parts)
        return min(self.first + arrived, self.last)

    @property
    def last(self) -> int:
        """The number of parts at which this download ends, complete or not."""
        return min(self.stall_after, self.parts) if self.stall_after else self.parts

    def status(self) -> dict[str, Any]:
        """The status of the download task."""
        return {"total_parts": self.parts, "downloaded_parts": self.downloaded()}

    def run(self, ending: threading.Event, arrived: Callable[[int], None]) -> None:
        """Wait for the parts unless cancelled, then call `arrived` with the number of parts."""
        try:
            while not self.ended.is_set() and not ending.is_set():
                if self.downloaded() >= self.last:
                    arrived(self.last)
                    return
                missing = (self.last - self.downloaded()) / self.parts * self.seconds
                self.ended.wait(min(max(missing, 0.01), 0.2))
        finally:
            self.ended.set()
