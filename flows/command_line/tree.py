"""The tree of commands: made from the catalog as data, with only the named flow imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

from cyclopts import App
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.catalog import FLOWS, Entry
from flows.command_line import stack_commands

_STACK = {
    "up": stack_commands.up,
    "status": stack_commands.status,
    "down": stack_commands.down,
    "env": stack_commands.env,
    "demo": stack_commands.demo,
}


def listing() -> RenderableType:
    """What `python -m flows` alone shows: every command with its one line."""
    commands = Table.grid(padding=(0, 2))
    commands.add_column(no_wrap=True, style="cyan")
    commands.add_column()
    for entry in FLOWS:
        commands.add_row(f"  {entry.command}", entry.line)
    stack = Table.grid(padding=(0, 2))
    stack.add_column(no_wrap=True, style="cyan", min_width=max(len(entry.command) for entry in FLOWS) + 2)
    stack.add_column()
    for name, function in _STACK.items():
        stack.add_row(f"  {name}", (function.__doc__ or "").partition("\n")[0])
    return Group(
        Text("Usage: python -m flows COMMAND [OPTIONS]\n"),
        Text("Flows", style="bold"),
        commands,
        Text("\nLocal stack", style="bold"),
        stack,
        Text("\nCOMMAND --help explains its options, with an example. --debug anywhere shows stack traces."),
    )


def parse(
    tokens: Sequence[str], *, debug: bool, catalog: Sequence[Entry] = FLOWS
) -> Callable[[], int | None]:
    """Find the command that the tokens name, and bind its options.

    Returns:
        A call that runs it and returns the exit code, or prints the help that was asked for.

    Raises:
        cyclopts.CycloptsError: the command or an option is unknown, missing or cannot be read.
    """
    app = App(name="python -m flows", version=version("vector-search-ops"), help_format="markdown")
    engines: dict[str, App] = {}
    for entry in catalog:
        engine, _, name = entry.command.partition(" ")
        if engine not in engines:
            engines[engine] = App(name=engine)
            app.command(engines[engine])
        if list(tokens[:2]) == [engine, name]:
            from flows.command_line.from_flow import add_flow  # noqa: PLC0415 -- it loads Prefect

            add_flow(engines[engine], entry, debug=debug)
        else:
            engines[engine].command(_not_loaded, name=name, help=entry.line)
    for name, function in _STACK.items():
        app.command(function, name=name)
    command, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    return partial(command, *bound.args, **bound.kwargs)


def _not_loaded() -> int:
    raise NotImplementedError("stands for a command that was not named")
