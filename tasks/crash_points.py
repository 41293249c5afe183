"""Where a process can be told to die, as by `kill -9`: before and after every call to a service.

Every call goes through `tasks.calls`, so the points follow from the calls and none is written by hand. `make chaos` kills
flows with this; unless one of its two variables is set, nothing happens.

`VECTOR_SEARCH_CRASH_AT="create index products#1:after"` kills the process when the first such call has returned, and
`VECTOR_SEARCH_CRASH_POINTS=FILE` appends the points that a run passes, one a line, each with its Unix time.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Literal

CRASH_AT = "VECTOR_SEARCH_CRASH_AT"
CRASH_POINTS = "VECTOR_SEARCH_CRASH_POINTS"

When = Literal["before", "after"]

_ID = re.compile(r"\S*\d\S*")
"""A word with a digit is an id or a count, which is another one in every run: `*` in a point's name."""
_lock = threading.Lock()
_passed: Counter[str] = Counter()


def passing(call: str, when: When) -> None:
    """Pass a point; die here if this is the one.

    Args:
        call: completes "Could not ...": `create index products`.
        when: before the call is made, or after it has returned.
    """
    at, file = os.environ.get(CRASH_AT), os.environ.get(CRASH_POINTS)
    if at is None and file is None:
        return
    with _lock:
        kind = f"{_ID.sub('*', call)}:{when}"
        _passed[kind] += 1
        point = f"{_ID.sub('*', call)}#{_passed[kind]}:{when}"
        if file is not None:
            with Path(file).open("a") as points:
                points.write(f"{time.time():.6f} {point}\n")
        if point == at:
            os.kill(os.getpid(), signal.SIGKILL)
