"""The garbage collector of a process that runs one flow and ends."""

from __future__ import annotations

import gc
from functools import cache


@cache
def spare_what_is_loaded() -> None:
    """Let the collector leave alone what is loaded: Prefect and the clients, hundreds of thousands of objects that stay to the end.

    It would look at all of them again for every 30,000 or so new objects that are kept a while, a third of the processor time of
    a bulk load (benchmarks/bulk.py), and once more when the process ends.
    """
    gc.freeze()
