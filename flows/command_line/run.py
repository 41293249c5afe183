"""Running a flow from the command line: what is shown, what is asked."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.prompt import Confirm
from rich.text import Text

from flows.command_line.endings import Interrupted
from flows.command_line.output import print_json
from flows.command_line.prefect_api import use_api
from flows.console import Terminal, take_over
from flows.options import RunOptions
from flows.plan import Plan, plan_of
from flows.report import Report
from flows.running.deployed import run_in_deployment
from flows.running.garbage import spare_what_is_loaded
from flows.running.outage import Watch, standing
from tasks.errors import NotConfirmed
from tasks.files import CannotWrite
from tasks.steps import interruptions


def run(
    flow: Any, parameters: dict[str, object], *, options: RunOptions, debug: bool, may_confirm: bool
) -> None:
    """Run a flow to its end and print its report.

    Args:
        flow: a Prefect flow; what it returns can `render()`, and is printed as JSON by its fields.
        parameters: by name; omitted ones keep the flow's defaults.
        options: how it is presented.
        debug: show stack traces and Prefect's own lines.
        may_confirm: the flow has a parameter `yes`, so a person may be asked.

    Raises:
        InvalidInput: no Prefect API is configured and no local stack is running.
        Interrupted: by Ctrl-C or a signal.
        CannotWrite: the run is done, but its report could not be written where it was asked for.
    """
    Report.last = None
    watch = Watch(use_api()).start()
    console = Console(stderr=True)
    terminal = take_over(console, debug=debug, quiet=options.quiet)
    # `logging` advises this for production. Prefect's queue of logs looks at it before it writes to stderr by itself.
    logging.raiseExceptions = debug
    spare_what_is_loaded()
    try:
        with interruptions():
            result = _agreed(
                standing(flow, watch, run_in_deployment), parameters, terminal, may_confirm=may_confirm
            )
    except BaseException as error:
        with suppress(CannotWrite):  # the run's own error is what counts
            _write_report(options.report)
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(terminal.last) from None
        raise
    finally:
        terminal.end()
    _write_report(options.report)
    if options.json:
        print_json(result)
    else:
        Console().print(result.render(), crop=False)  # a path must stay whole


def show_plan(flow: Any, parameters: dict[str, object], *, options: RunOptions, debug: bool) -> None:
    """Print what a flow would do. Nothing is changed, and no server of Prefect's is needed.

    Raises:
        Interrupted: by Ctrl-C or a signal.
    """
    terminal = take_over(Console(stderr=True), debug=debug, quiet=options.quiet)
    try:
        plan = plan_of(flow, parameters)
    except KeyboardInterrupt:
        raise Interrupted(terminal.last) from None
    finally:
        terminal.end()
    if options.json:
        print_json(plan)
    else:
        Console().print(plan.render())


def _write_report(file: Path | None) -> None:
    """Write the report of the run, if it got so far as to have one, where the command asks for it."""
    if file is not None and Report.last is not None:
        Report.last.write_to(file)


def _agreed(flow: Any, parameters: dict[str, object], terminal: Terminal, *, may_confirm: bool) -> Any:
    """Run a flow; if it needs a confirmation and a person is there, ask, and run it again with `yes`."""
    try:
        return flow(**parameters)
    except NotConfirmed as error:
        terminal.end()
        if not (may_confirm and sys.stdin.isatty() and terminal.console.is_terminal):
            raise
        # Nothing has been paid for or deleted yet, and the second run resumes from what is there.
        if isinstance(error.plan, Plan):
            terminal.console.print(error.plan.render())
        question = Text(f"{error.step}. {error.consequence} Continue?", style="prompt")
        if not Confirm.ask(question, console=terminal.console, default=False):
            raise
        return flow(**{**parameters, "yes": True})
