"""The key of the local stack's Prefect server: whoever has it runs commands as you, so only you may read it.

Prefect calls it an auth string, `user:password`, and so it works with `curl --user` and the UI's login too. It is made
once for a home folder, beside the database, and handed on in environment variables only: neither in arguments, which
every user of the machine can list, nor in files that are shown or sent to somebody.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path

from tasks.errors import PermanentError
from tasks.program import PROGRAM

_RANDOM_BYTES = 32
_FORM = re.compile(r"admin:[\w-]{43}", re.ASCII)  # 32 bytes in base64 for addresses, without padding
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ANEW = f"Run `{PROGRAM} down`, then `{PROGRAM} up`, which makes a new one."


class NoKey(PermanentError):
    """The key of a home folder is missing, or must not be used."""

    def __init__(self, file: Path, *, trouble: str, remedy: str) -> None:
        self.file, self.trouble = file, trouble
        super().__init__(f"The key of the local Prefect server, {file}, {trouble}. {remedy}")


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
    there = file(home)
    there.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    there.parent.chmod(stat.S_IRWXU)  # an earlier version has left it open; the database in it is private too
    if there.exists():
        read(home)
        return False
    descriptor, draft = tempfile.mkstemp(dir=there.parent)  # readable by its owner alone from the start
    with os.fdopen(descriptor, "w") as output:
        output.write(f"admin:{secrets.token_urlsafe(_RANDOM_BYTES)}\n")
    os.replace(draft, there)  # noqa: PTH105 -- the word says what it does
    return True


def read(home: Path) -> str:
    """The key of a home folder.

    Raises:
        NoKey: there is none, others can read it, or the file holds something else.
    """
    there = file(home)
    try:
        mode = stat.S_IMODE(there.stat().st_mode)
        content = there.read_text(errors="replace").strip()
    except FileNotFoundError:
        trouble = (
            "does not exist: it was deleted, or the server was started by a version that asked for no key"
        )
        raise NoKey(there, trouble=trouble, remedy=_ANEW) from None
    except OSError as error:
        trouble = f"cannot be read ({error.strerror})"
        remedy = f"Set VECTOR_SEARCH_HOME to a folder of your own, then run `{PROGRAM} up`."
        raise NoKey(there, trouble=trouble, remedy=remedy) from error
    if mode & _OTHERS:
        trouble = f"can be used by other users of this machine (its mode is {mode:04o}; 0600 is accepted)"
        raise NoKey(there, trouble=trouble, remedy=f"Delete it. {_ANEW}")
    if not _FORM.fullmatch(content):
        raise NoKey(there, trouble="holds something else", remedy=f"Delete it. {_ANEW}")
    return content
