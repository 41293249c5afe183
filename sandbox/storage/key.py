"""The key of the storage stand-in: a random part of its address.

Google's client sends no credentials to an emulator, but it keeps the path of its address.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from sandbox.announced import SandboxError

_KEY = re.compile(r"[0-9a-f]{32}")


def storage_key(file: Path) -> str:
    """The key that a file holds, made by the first call, for its owner's eyes only.

    Raises:
        SandboxError: the file holds something else.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(16) + "\n")
        beside.replace(file)
    file.chmod(0o600)
    found = file.read_text().strip()
    if not _KEY.fullmatch(found):
        raise SandboxError(f"{file} holds no key. Remove it, and the next start makes a new one.")
    return found
