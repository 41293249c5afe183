"""`vector-search`: every flow of every engine as a command, and the local stack.

Listing and `--help` import neither Prefect nor a Google package. A command's options, types and help come from the
flow's own options, so that the command line and Prefect's form cannot differ. What a command does is not decided here.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from rich.console import Console
from rich.text import Text

from flows import engines
from flows.command_line.endings import ending_of
from flows.command_line.output import failure, print_json, wants_json
from flows.command_line.tree import listing, parse
from flows.commands import option_names
from tasks.program import PROGRAM
from tasks.redaction import redact_log_records, redacted_trace


def main(tokens: Sequence[str], console: Console | None = None) -> int:
    """Run a command line (without the program's name).

    Returns:
        0, or 1 (the operation failed), 2 (bad input or settings), 130 (interrupted).
    """
    code = _run(tokens, console)
    # Only a command that uses Prefect's API has loaded it. It may end the process here.
    if outage := sys.modules.get("flows.running.outage"):
        outage.leave(code)
    return code


def _run(tokens: Sequence[str], console: Console | None) -> int:
    # A terminal that cannot show a character shows a question mark instead of ending the command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    redact_log_records()
    errors = console or Console(stderr=True)
    debug = "--debug" in tokens
    words = [token for token in tokens if token != "--debug"]  # noqa: S105 -- a word of the command line
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if not words or words[0] in ("--help", "-h"):
            Console().print(listing())
            return 0
        return parse(words, debug=debug)() or 0
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more can be written, not even when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BaseException as error:  # the outermost frame: every ending becomes a code and a paragraph
        if isinstance(error, SystemExit):
            raise
        ending = ending_of(
            error, again=shlex.join([PROGRAM, *tokens]), options=option_names(engines.ENGINES, words)
        )
        if debug:
            errors.print(Text(redacted_trace(error), style="dim"), soft_wrap=True)
        errors.print(Text.assemble((ending.word, ending.style), ending.paragraph), soft_wrap=True)
        if wants_json(tokens):
            print_json(failure(error, ending))
        return ending.code


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature of a signal handler
    raise KeyboardInterrupt
