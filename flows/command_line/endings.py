"""How a failing command ends: the exit code and the one paragraph for every kind of error.

Prefect's and pydantic's exceptions are looked up only if those packages are loaded: otherwise they cannot have been
raised.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Any, NamedTuple

from cyclopts import CycloptsError, MissingArgumentError

from flows.command_line.help_text import as_typed
from flows.console import Seen, duration
from tasks.errors import InvalidInput, NotConfirmed, PermanentError, TransientError, Withheld
from tasks.program import PROGRAM
from tasks.redaction import redacted


class Interrupted(Exception):
    """The command was interrupted (Ctrl-C, SIGTERM, SIGHUP) while a flow ran."""

    def __init__(self, last: Seen | None) -> None:
        self.last = last
        super().__init__("interrupted")


class Ending(NamedTuple):
    """What is printed and returned."""

    code: int
    paragraph: str
    word: str = "error: "
    style: str = "bold red"


def ending_of(error: BaseException, *, again: str, options: Collection[str] = ()) -> Ending:
    """The ending for an exception.

    Args:
        error: what reached the outermost frame.
        again: the command line that resumes, shell-quoted.
        options: the names of the command's options, which a refusal calls as they are typed.
    """
    if isinstance(error, Interrupted):
        return Ending(130, _interruption(error.last, again), "interrupted: ", "bold yellow")
    if isinstance(error, KeyboardInterrupt):
        return Ending(130, f"To resume: {again}", "interrupted: ", "bold yellow")
    if isinstance(error, (InvalidInput, NotConfirmed)):
        return Ending(2, as_typed(_one_paragraph(error), options))
    if isinstance(error, PermanentError):
        return Ending(1, _one_paragraph(error))
    if isinstance(error, TransientError):
        return Ending(1, f"{_one_paragraph(error)} This may be temporary. To resume: {again}")
    if isinstance(error, CycloptsError):
        error.verbose = False
        command = " ".join([PROGRAM, *(error.command_chain or ())])
        said = _short(_one_paragraph(error))
        if isinstance(error, MissingArgumentError) and error.keyword is None and not error.tokens_so_far:
            said = said.replace(" requires an argument", " is missing", 1)  # it was not typed at all
        return Ending(2, f"{said}{'' if said.endswith(('.', '?', '!')) else '.'} See `{command} --help`.")
    if _is_wrong_parameter(error):
        return Ending(2, _short(_one_paragraph(error)))
    if trouble := _trouble_of_api(error):
        return Ending(
            1,
            f"Prefect's API {trouble} ({_one_paragraph(error) or type(error).__name__}). What was started in the "
            f"target continues. When the API is back, resume with: {again}",
        )
    return Ending(
        1,
        f"{'' if isinstance(error, Withheld) else f'{type(error).__name__}: '}{_one_paragraph(error)} This is unexpected; run it again with --debug for the stack "
        "trace.",
    )


def _interruption(last: Seen | None, again: str) -> str:
    seen = f"Last seen: {last.what}: {last.seen}, after {duration(last.elapsed)}. " if last else ""
    return f"{seen}What was already started in the target continues by itself. To resume: {again}"


def _is_wrong_parameter(error: BaseException) -> bool:
    if (pydantic := sys.modules.get("pydantic")) and isinstance(error, pydantic.ValidationError):
        return True
    prefect = sys.modules.get("prefect.exceptions")
    return prefect is not None and isinstance(
        error, (prefect.ParameterTypeError, prefect.ParameterBindError, prefect.SignatureMismatchError)
    )


def _trouble_of_api(error: BaseException) -> str | None:
    """What Prefect's API did, if it is gone, or answered with an error of its own, as when its database is locked."""
    httpx = sys.modules.get("httpx")
    if httpx is None:
        return None
    # Prefect's client asks for the server's version first, and raises a RuntimeError from what happened then.
    if any(isinstance(one, httpx.TransportError) for one in (error, error.__cause__)):
        return "stopped responding"
    prefect = sys.modules.get("prefect.exceptions")
    failed: Any = error
    if prefect and isinstance(error, prefect.PrefectHTTPStatusError) and failed.response.is_server_error:
        return "could not answer"
    return None


_MOST_SHOWN = 1_000
"""Characters of a paragraph that a library made."""
_PYDANTIC = re.compile(
    r"\d+ validation errors? for [^\n]*\n|\s\[type=.*?, input_type=\w+\]|\sFor (?:further|more) information (?:visit|check:) \S+|Value error, "
)
"""The parts of pydantic's and httpx's texts that are for programmers only."""


def _one_paragraph(error: BaseException) -> str:
    said = redacted(" ".join(_PYDANTIC.sub("", str(error)).split()))
    # A value may hold what turns a terminal's text around, colors it or is no Unicode.
    return said if said.isprintable() else "".join(map(_printable, said))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else ascii(letter)[1:-1]


def _short(said: str) -> str:
    """A paragraph of a library, which shows a value of any length, without the middle of it."""
    half = _MOST_SHOWN // 2
    return said if len(said) <= _MOST_SHOWN else f"{said[:half]} ... {said[-half:]}"
