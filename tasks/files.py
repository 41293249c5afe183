"""Files that are either what they were or what they shall be: a full disk or a crash leaves nothing in between."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tasks.errors import PermanentError

NEW_SECONDS = 60
"""How old an empty draft is before it counts as a leftover."""
_DRAFT = re.compile(r"\..+\.\d+\.part")
_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""Errors of whoever writes into a draft that come from its disk; a connection's errors have others."""


class CannotWrite(PermanentError):
    """A file cannot be written: the disk is full, or the folder may not be written."""

    def __init__(self, file: Path, *, reason: str) -> None:
        self.file, self.reason = str(file), reason
        super().__init__(
            f"Could not write {file}: {reason}. What was there before is unchanged. Make room, or the folder writable, then run "
            "the same command again."
        )


def write_whole(file: Path, text: str) -> None:
    """Write a text file beside its place and move it there once all of it is on the disk.

    Raises:
        CannotWrite: what was there before is untouched, and nothing is left beside it.
    """
    with whole_file(file) as draft:
        draft.write(text.encode())


@contextmanager
def whole_file(file: Path) -> Generator[BinaryIO]:
    """A draft beside a file, which takes its name when the block ends well. Its folder is made if need be.

    The draft is locked while it is written: the kernel ends the lock with the process, however that ends, so that the next
    one that writes into the folder knows a leftover.

    Raises:
        CannotWrite: what was there before is untouched, and nothing is left beside it.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with _telling(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(file.parent)
            output = draft.open("wb")
        with _telling(file, *_OF_DISKS), output:  # closing writes too
            fcntl.flock(output, fcntl.LOCK_EX)
            yield output
            output.flush()
            os.fsync(output.fileno())
        with _telling(file):
            draft.replace(file)
    finally:
        with suppress(OSError):  # a folder that may not be written holds none
            draft.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the drafts of processes that are gone."""
    for draft in folder.glob("*.part"):
        if not _DRAFT.fullmatch(draft.name):
            continue
        with suppress(OSError), draft.open("rb") as file:  # gone meanwhile, or being written: BlockingIOError
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # An empty one may be one that another process has just made and not locked yet.
            if draft.stat().st_size or time.time() - draft.stat().st_mtime > NEW_SECONDS:
                draft.unlink()


@contextmanager
def _telling(file: Path, *numbers: int) -> Generator[None]:
    """Raise `CannotWrite` in place of an error of the operating system, or of these numbers only."""
    try:
        yield
    except OSError as error:
        if numbers and error.errno not in numbers:
            raise
        raise CannotWrite(file, reason=error.strerror or str(error)) from error
