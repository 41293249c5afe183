"""The tree of commands, made from the engines as data: only the flow that is named is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

from cyclopts import App
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows import engines
from flows.engine import Engine, Entry
from tasks.program import PROGRAM

_STACK = "flows.command_line.stack_commands"
PLAIN: dict[str, tuple[Entry, ...]] = {
    "Every engine": (
        Entry("list", "flows.command_line.listing:list_built", "List what was built, under which name, what it serves and about what it costs an hour."),
        Entry("describe", "flows.command_line.describing:describe", "Describe what is built under a name, with its cost an hour and its last verification."),
        Entry("sweep", "flows.command_line.sweeping:sweep", "List what is idle or expired of ours, with its cost a day, and remove it on request."),
    ),
    "Local stack": (
        Entry("up", f"{_STACK}:up", "Start the local stack: Prefect's server and UI, the stand-ins, a worker with every deployment."),
        Entry("status", f"{_STACK}:status", "Show which parts of the local stack are running, and where."),
        Entry("down", f"{_STACK}:down", "Stop the local stack, and the demo's if it was kept."),
        Entry("env", f"{_STACK}:env", "Print the environment variables for using the local stack from a shell."),
        Entry("demo", f"{_STACK}:demo", "Run the tour of every engine on real data, on a stack of its own that stops afterwards."),
    ),
    "Prefect server": (
        Entry("deploy", "flows.command_line.deploying:deploy", "Register every flow as a deployment with your Prefect server."),
        Entry("blocks", "flows.command_line.blocks:blocks", "Let Prefect keep the settings of real services, as targets that a flow names by block:NAME."),
        Entry("automations", "flows.command_line.automations:automations", "Let Prefect's server find runs whose process has died and start them again."),
    ),
}  # fmt: skip
"""The commands of no engine, by their group: plain functions, each loaded when it is named."""


def groups() -> dict[str, list[tuple[str, str]]]:
    """Every command with its line: those of an engine under its title, then those of no engine."""
    of_engines = {
        engine.title: [(engine.command(entry), entry.line) for entry in engine.commands]
        for engine in engines.ENGINES
    }
    return of_engines | {
        title: [(entry.name, entry.line) for entry in group] for title, group in PLAIN.items()
    }


def listing() -> RenderableType:
    """The output without arguments: every command with its line."""
    found = groups()
    width = max(len(command) for rows in found.values() for command, _ in rows) + 2
    parts: list[RenderableType] = [Text(f"Usage: {PROGRAM} COMMAND [OPTIONS]\n")]
    for title, rows in found.items():
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
    app = App(name=PROGRAM, version=lambda: version("vector-search-ops"), help_format="markdown")
    for engine in engines.ENGINES:
        app.command(_engine_app(engine, tokens, debug=debug))
    for entry in (entry for group in PLAIN.values() for entry in group):
        if list(tokens[:1]) == [entry.name]:
            _add_plain(app, entry)
        else:
            app.command(App(name=entry.name, help=entry.line))
    command, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    return partial(command, *bound.args, **bound.kwargs)


def _add_plain(app: App, entry: Entry) -> None:
    from flows.command_line.help_text import InGroups, example, main_group  # noqa: PLC0415 -- see `_engine_app`

    command = function(entry)
    app.command(
        command,
        name=entry.name,
        help_formatter=InGroups(),
        help_epilogue=example(command.__doc__ or ""),
        group_parameters=main_group(),
    )


def function(entry: Entry) -> Callable[..., int | None]:
    """The function of a command of no engine."""
    module, _, name = entry.entrypoint.partition(":")
    return getattr(import_module(module), name)


def _engine_app(engine: Engine[Any], tokens: Sequence[str], *, debug: bool) -> App:
    """An engine's commands. Only the one that the tokens name is loaded; the others have a name and a line of help."""
    app = App(name=engine.name, help=engine.title)
    for entry in engine.commands:
        if list(tokens[:2]) == [engine.name, entry.name]:
            from flows.command_line.from_flow import add_flow  # noqa: PLC0415 -- the list of commands needs none of it

            add_flow(app, engine, entry, debug=debug)
        else:
            app.command(App(name=entry.name, help=entry.line))
    return app
