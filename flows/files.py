"""Files that are either what they were or what they shall be: a full disk or a crash leaves nothing in between."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a file beside its place and move it there once all of it is on the disk.

    Raises:
        OSError: it cannot be written; what was there before is untouched, and nothing is left beside it.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("w") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
