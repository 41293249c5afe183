"""Whether a sandbox runs on a state folder, and what it announces about itself.

Light on purpose: a process that only asks does not load the services.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sandbox import private


class SandboxError(Exception):
    """The sandbox cannot start, or is not running; the message is one line with the reason."""


def default_state() -> Path:
    """The default state folder: `$VECTOR_SEARCH_HOME/sandbox`, beside the other local state."""
    return Path(os.environ.get("VECTOR_SEARCH_HOME", ".vector-search-ops")) / "sandbox"


def announcement(state: Path) -> Path:
    """The file in which a running sandbox announces its addresses."""
    return state / "sandbox.json"


def environment(state: Path) -> dict[str, str]:
    """The variables for clients of the sandbox that runs on this folder.

    Raises:
        SandboxError: no sandbox runs there.
    """
    try:
        found = json.loads(announcement(state).read_text())
    except FileNotFoundError:
        raise SandboxError(f"No sandbox runs on {state}. Start one: python -m sandbox start") from None
    try:
        with held(state):
            pass
    except SandboxError:
        return found["environment"]
    raise SandboxError(f"The sandbox on {state} has died. Start it again: python -m sandbox start")


@contextmanager
def held(state: Path) -> Generator[None]:
    """Hold the state folder, as only one sandbox at a time may.

    Raises:
        SandboxError: another one holds it, or it belongs to another user.
    """
    try:
        private.make_folder(state)
    except OSError as error:
        raise SandboxError(
            f"The state folder {state} cannot be made private ({error.strerror}). Choose one of your own: --state"
        ) from error
    try:
        # The operating system releases the lock when its holder dies, however it dies.
        with FileLock(state / "lock", timeout=0):
            yield
    except Timeout as error:
        raise SandboxError(
            f"A sandbox already runs on {state}: python -m sandbox env --state {state}"
        ) from error


def write(file: Path, content: object) -> None:
    """Write a JSON file completely or not at all, for its owner alone."""
    private.write(file, f"{json.dumps(content, indent=1)}\n".encode())
