"""Files and folders that only their owner can read, whatever the umask, and those that an earlier version left open."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_FILE = stat.S_IRUSR | stat.S_IWUSR


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, or close one that exists.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.
    """
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)


def write(file: Path, content: bytes) -> None:
    """Write a file completely or not at all; only its owner can read it, from the first byte on."""
    beside = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE), "wb") as output:
        os.fchmod(output.fileno(), _FILE)  # a killed process may have left it
        output.write(content)
    beside.replace(file)
