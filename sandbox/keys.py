"""The keys that stand-ins ask for, so that other users of the machine, and pages that get past the door, get nothing.

A key is made once for a state folder and survives restarts. It lies in a file that only its owner can read and is handed
out with the announcement: never in arguments, which every user of the machine can list, nor in logs.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from sandbox import private
from sandbox.announced import SandboxError

_RANDOM_BYTES = 32
_FORM = re.compile(r"[\w-]{43}", re.ASCII)  # 32 bytes in base64 for addresses, without padding


@dataclass(frozen=True)
class Keys:
    """The keys of one state folder."""

    state: Path
    are_off: bool = False
    """Whether the sandbox was started with `--open`: no service asks for anything."""

    def of(self, service: str) -> str:
        """The key of a service, 43 letters that an address may hold; empty if keys are off.

        Raises:
            SandboxError: its file holds something else.
        """
        if self.are_off:
            return ""
        file = self.state / "keys" / service
        if not file.exists():
            private.make_folder(file.parent)
            private.write(file, f"{secrets.token_urlsafe(_RANDOM_BYTES)}\n".encode())
        key = file.read_text(errors="replace").strip()
        if not _FORM.fullmatch(key):
            raise SandboxError(f"The key file {file} holds something else. Delete it to get a new key.")
        return key
