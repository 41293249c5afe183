"""The tree of commands, made from the engines as data: only the flow that is named is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from cyclopts import App
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows import engines
from flows.command_line import stack_commands
from flows.command_line.automations import automations
from flows.command_line.listing import list_built
from flows.engine import Engine
from tasks.program import PROGRAM

_STACK = {
    "up": stack_commands.up,
    "status": stack_commands.status,
    "down": stack_commands.down,
    "env": stack_commands.env,
    "demo": stack_commands.demo,
}
_PREFECT = {"automations": automations}
_TARGETS = {"list": list_built}


def listing() -> RenderableType:
    """The output without arguments: every command with its line."""
    groups = {
        engine.title: [(engine.command(entry), entry.line) for entry in engine.commands]
        for engine in engines.ENGINES
    }
    for title, functions in {
        "Every engine": _TARGETS,
        "Local stack": _STACK,
        "Prefect server": _PREFECT,
    }.items():
        groups[title] = [
            (name, (function.__doc__ or "").partition("\n")[0]) for name, function in functions.items()
        ]
    width = max(len(command) for rows in groups.values() for command, _ in rows) + 2
    parts: list[RenderableType] = [Text(f"Usage: {PROGRAM} COMMAND [OPTIONS]\n")]
    for title, rows in groups.items():
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="cyan", min_width=width)
        table.add_column()
        for command, line in rows:
            table.add_row(f"  {command}", line)
        parts += [Text(title, style="bold"), table, Text()]
    parts.append(
        Text("COMMAND --help explains its options, with an example. --debug anywhere shows stack traces.")
    )
    return Group(*parts)


def parse(tokens: Sequence[str], *, debug: bool) -> Callable[[], int | None]:
    """Find the command that the tokens name, and bind its options.

    Returns:
        A call that runs it and returns the exit code, or prints the help that was asked for.

    Raises:
        cyclopts.CycloptsError: the command or an option is unknown, missing or cannot be read.
    """
    app = App(name=PROGRAM, version=version("vector-search-ops"), help_format="markdown")
    for engine in engines.ENGINES:
        app.command(_engine_app(engine, tokens, debug=debug))
    for name, function in (_STACK | _PREFECT | _TARGETS).items():
        app.command(function, name=name)
    command, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    return partial(command, *bound.args, **bound.kwargs)


def _engine_app(engine: Engine[Any], tokens: Sequence[str], *, debug: bool) -> App:
    """An engine's commands. Only the one that the tokens name is loaded; the others have a name and a line of help."""
    app = App(name=engine.name, help=engine.title)
    for entry in engine.commands:
        if list(tokens[:2]) == [engine.name, entry.name]:
            from flows.command_line.from_flow import add_flow  # noqa: PLC0415 -- it loads Prefect

            add_flow(app, engine, entry, debug=debug)
        else:
            app.command(App(name=entry.name, help=entry.line))
    return app
