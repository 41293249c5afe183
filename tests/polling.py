"""How tests wait: on conditions, never for luck."""

import time

from google.api_core.future.polling import DEFAULT_POLLING

PATIENCE = 120.0
SOON = DEFAULT_POLLING.with_delay(initial=0.02, maximum=0.2, multiplier=1.5)
"""For the official clients' operations: api_core looks once a second at first, which adds up."""


def until(holds, what="what was waited for", seconds=PATIENCE):
    """Wait for a condition; fail with what was waited for when it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.03)
    return found
