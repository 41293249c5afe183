"""The key of the local stack's Prefect server: whoever has it runs commands as you, so only you may read it.

It is made once for a home folder, beside the database.
"""

from __future__ import annotations

from pathlib import Path

from flows.key_files import KeyFile, NoKey
from tasks.program import PROGRAM

__all__ = ["NoKey", "ensure", "file", "read"]


def file(home: Path) -> Path:
    """Where the key of a home folder is kept."""
    return home / "prefect" / "key"


def ensure(home: Path) -> bool:
    """Make the key of a home folder unless it has one, in a folder that nobody else can enter.

    Returns:
        Whether it was made now.

    Raises:
        NoKey: there is one, but it must not be used.
    """
    return _key(home).ensure()


def read(home: Path) -> str:
    """The key of a home folder.

    Raises:
        NoKey: there is none, others can read it, or the file holds something else.
    """
    return _key(home).read()


def _key(home: Path) -> KeyFile:
    return KeyFile(
        of="the local Prefect server",
        path=file(home),
        user="admin",
        missing="it was deleted, or the server was started by a version that asked for no key",
        anew=f"Run `{PROGRAM} down`, then `{PROGRAM} up`, which makes a new one.",
        elsewhere=f"Set VECTOR_SEARCH_HOME to a folder of your own, then run `{PROGRAM} up`.",
    )
