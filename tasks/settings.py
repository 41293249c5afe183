"""What the settings of every engine share: the home folder, and what a running sandbox announces.

The target of a flow is always explicit. A real service takes its settings from the environment or a `.env` file, and a
missing one is an error; `sandbox` takes them only from the file that a running stand-in writes, so that no variable of a
real project can leak into it, or the other way round. Settings are passed in, never imported as a global.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tasks.errors import InvalidInput
from tasks.program import PROGRAM

SANDBOX = "sandbox"
"""The target that every engine has: its local stand-in."""


def home() -> Path:
    """The folder for state, logs and reports: VECTOR_SEARCH_HOME, or `.vector-search-ops` in the current folder."""
    return Path(os.environ.get("VECTOR_SEARCH_HOME", ".vector-search-ops")).absolute()


def sandbox_environment() -> dict[str, str]:
    """What a running sandbox announces.

    Raises:
        InvalidInput: none is running.
    """
    file = Path(os.environ.get("VECTOR_SEARCH_SANDBOX") or home() / "sandbox" / "sandbox.json")
    try:
        return json.loads(file.read_text())["environment"]
    except FileNotFoundError as error:
        raise InvalidInput(
            "No sandbox is running",
            value=str(file),
            source="VECTOR_SEARCH_SANDBOX or VECTOR_SEARCH_HOME",
            remedy=f"Start the local stack with `{PROGRAM} up`, or the stand-ins alone with `python -m sandbox start`.",
        ) from error
