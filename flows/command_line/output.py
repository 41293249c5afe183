"""What a command prints as JSON: its result, or how it failed. docs/scripts.md documents the fields.

There is one form for every command, made from the fields of what it returns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import CycloptsError
from pydantic_core import to_jsonable_python

from flows.command_line.endings import Ending
from tasks.errors import NotConfirmed, PermanentError, Withheld


def wants_json(tokens: Sequence[str]) -> bool:
    """Whether a command line asks for JSON. Asked of its words, because one that cannot be read fails in JSON too."""
    return "--json" in tokens


def print_json(result: Any) -> None:
    """Print a value as JSON to standard output: only ASCII, whatever the terminal's encoding, and no NaN, which JSON has not."""
    plain = to_jsonable_python(result, inf_nan_mode="null")
    sys.stdout.write(json.dumps(plain, indent=2, allow_nan=False) + "\n")


def failure(error: BaseException, ending: Ending) -> dict[str, Any]:
    """How a command failed: `error`, beside the fields of its report if its run began, and the `plan` that nobody agreed to.

    Args:
        error: what reached the outermost frame.
        ending: what is made of it for people.
    """
    told = {"kind": _kind(error, ending), "message": ending.paragraph, "exit_code": ending.code}
    # Only a command that runs a flow has loaded it.
    reports = sys.modules.get("flows.report")
    report = reports.Report.last if reports else None
    found = report.model_dump(mode="json") if report else {}
    if isinstance(error, NotConfirmed) and error.plan is not None:
        found["plan"] = error.plan
    return {**found, "error": told}


def _kind(error: BaseException, ending: Ending) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted"
    if isinstance(error, Withheld):
        return error.kind
    # The libraries that read options have errors of their own for it.
    is_wrong_option = isinstance(error, CycloptsError) or (
        ending.code == 2 and not isinstance(error, PermanentError)
    )
    return "InvalidInput" if is_wrong_option else type(error).__name__
