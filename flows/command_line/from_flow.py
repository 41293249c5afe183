"""A command made from a flow: its options and help are the flow's own, and those that every command has come from one model."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from cyclopts import App, Parameter
from docstring_parser import parse as parse_docstring

from flows.commands import command_of, load
from flows.console import loading
from flows.engine import Engine, Entry
from flows.option_values import check_values
from flows.options import RUN_OPTIONS, RunOptions
from flows.signatures import parameters


def add_flow(app: App, engine: Engine[Any], entry: Entry, *, debug: bool) -> None:
    """Add a flow, or a program, to an app as a command. It is loaded when it runs."""
    asked = command_of(engine, entry)
    options = [_option(one, engine.target_variable) for one in asked.options]
    run_options = [_run_option(one) for one in parameters(RunOptions)]

    def command(**values: Any) -> None:
        given = {name: values.pop(name) for name in RUN_OPTIONS if name in values}
        RunOptions(**given).refuse_what_is_not_supported()
        check_values(values)  # before Prefect stores them
        with loading():
            loaded = load(entry.entrypoint)
        if entry in engine.programs:  # Prefect has no part in it
            loaded(**values)
            return
        with loading():
            from flows.command_line.run import run  # noqa: PLC0415 -- help and wrong options must not need a server

        run(loaded, values, debug=debug, may_confirm=any(one.name == "yes" for one in options))

    command.__doc__ = asked.docstring
    command.__annotations__ = {one.name: one.annotation for one in (*options, *run_options)}
    vars(command)["__signature__"] = inspect.Signature([*options, *run_options], return_annotation=None)
    app.command(command, name=entry.name, help_epilogue=_example(asked.docstring))


def _option(parameter: inspect.Parameter, target: str) -> inspect.Parameter:
    """An option `--name VALUE` for a parameter. None is positional, so that a command line reads like the form."""
    # A target may come from the environment that `env` printed; it is never assumed.
    env_var = target if parameter.name == "target" else None
    option = Parameter(
        env_var=env_var,
        consume_multiple=True,
        negative_iterable="",
        negative="" if parameter.default is False else None,
    )
    return parameter.replace(annotation=Annotated[parameter.annotation, option])


def _run_option(parameter: inspect.Parameter) -> inspect.Parameter:
    """An option that every flow's command has. Help does not show it as long as it is only refused."""
    option = Parameter(show=False, negative="")
    return parameter.replace(annotation=Annotated[parameter.annotation, option])


def _example(docstring: str) -> str | None:
    examples = [
        meta.description or "" for meta in parse_docstring(docstring).meta if meta.args[0] == "examples"
    ]
    if not examples:
        return None
    return "**Example**\n\n```text\n" + "\n".join(examples) + "\n```"
