"""Keys of local servers: whoever has one does what its owner may, so only the owner may read it.

A key is an auth string, `user:password`, and so it works with `curl --user` and with a browser's login too. It is made once
and kept in a file, and handed on in environment variables only: neither in arguments, which every user of the machine can
list, nor in files that are shown or sent to somebody.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import PermanentError

_RANDOM_BYTES = 32
_PASSWORD = r"[\w-]{43}"  # noqa: S105 -- 32 bytes in base64 for addresses, without padding
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NoKey(PermanentError):
    """The key of a server is missing, or must not be used."""

    def __init__(self, of: str, file: Path, *, trouble: str, remedy: str) -> None:
        self.of, self.file, self.trouble = of, file, trouble
        super().__init__(f"The key of {of}, {file}, {trouble}. {remedy}")


@dataclass(frozen=True, kw_only=True)
class KeyFile:
    """Where the key of a server is kept."""

    of: str
    """Whose key it is: `the local Prefect server`."""
    path: Path
    user: str
    missing: str
    """Why there may be none."""
    anew: str
    """How to get a new one."""
    elsewhere: str
    """What to do if the folder is not ours."""

    def ensure(self) -> bool:
        """Make the key unless there is one, in a folder that nobody else can enter.

        Returns:
            Whether it was made now.

        Raises:
            NoKey: there is one, but it must not be used.
        """
        self.path.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        self.path.parent.chmod(
            stat.S_IRWXU
        )  # it may have been left open; what lies beside the key is private too
        if self.path.exists():
            self.read()
            return False
        descriptor, draft = tempfile.mkstemp(
            dir=self.path.parent
        )  # readable by its owner alone from the start
        with os.fdopen(descriptor, "w") as output:
            output.write(f"{self.user}:{secrets.token_urlsafe(_RANDOM_BYTES)}\n")
        try:
            os.link(draft, self.path)
        except FileExistsError:
            self.read()
            return False
        finally:
            os.unlink(draft)  # noqa: PTH108
        return True

    def read(self) -> str:
        """The key.

        Raises:
            NoKey: there is none, others can read it, or the file holds something else.
        """
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            content = self.path.read_text(errors="replace").strip()
        except FileNotFoundError:
            raise self._refused(f"does not exist: {self.missing}", self.anew) from None
        except OSError as error:
            raise self._refused(f"cannot be read ({error.strerror})", self.elsewhere) from error
        if mode & _OTHERS:
            trouble = f"can be used by other users of this machine (its mode is {mode:04o}; 0600 is accepted)"
            raise self._refused(trouble, f"Delete it. {self.anew}")
        if not re.fullmatch(f"{self.user}:{_PASSWORD}", content, re.ASCII):
            raise self._refused("holds something else", f"Delete it. {self.anew}")
        return content

    def _refused(self, trouble: str, remedy: str) -> NoKey:
        return NoKey(self.of, self.path, trouble=trouble, remedy=remedy)
