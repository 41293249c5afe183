"""How often each API was called since the start of the stand-in."""

from __future__ import annotations

import threading
import time
from collections import Counter


class Usage:
    """Counts calls; several threads may count at once."""

    def __init__(self) -> None:
        self.since = time.time()
        self._lock = threading.Lock()
        self._calls = Counter[str]()

    def count(self, api: str) -> None:
        """Count a call of an API, by the name that routes have."""
        with self._lock:
            self._calls[api] += 1

    def calls(self) -> dict[str, int]:
        """The number of calls of each API that was called."""
        with self._lock:
            return dict(self._calls)
