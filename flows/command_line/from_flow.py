"""A command made from a flow: its signature gives the options, its docstring the help. Nothing is written down twice."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, get_type_hints

from cyclopts import App, Parameter
from docstring_parser import parse as parse_docstring

from flows.engine import Engine, Entry


def add_flow(app: App, engine: Engine[Any], entry: Entry, *, debug: bool) -> None:
    """Load a flow and add it to an app as the command that the catalog names."""
    flow = load(entry.entrypoint)
    command = _command(flow, engine.target_variable, debug=debug)
    app.command(command, name=entry.name, help_epilogue=_example(flow.fn))


def load(entrypoint: str) -> Any:
    """Import the flow of an entrypoint, `package.module:name`."""
    # No server of Prefect's own making: it needs 10 to 20 s, hangs on Ctrl-C and leaves orphans behind.
    os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
    # Prefect reports first uses to its maker from interactive terminals; operations tools do not call out.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # gRPC's core writes to the terminal on its own, even of connections that end well; errors reach us as exceptions.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    module, _, name = entrypoint.partition(":")
    return getattr(import_module(module), name)


def _command(flow: Any, target: str, *, debug: bool) -> Callable[..., None]:
    function: Callable[..., object] = flow.fn
    signature = inspect.signature(function)
    hints = get_type_hints(function, include_extras=True)
    parameters = [
        _option(parameter, hints[parameter.name], target) for parameter in signature.parameters.values()
    ]

    def command(**values: object) -> None:
        from flows.command_line.run import run  # noqa: PLC0415 -- help and wrong options must not need a server

        run(flow, values, debug=debug, may_confirm="yes" in signature.parameters)

    command.__doc__ = function.__doc__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    vars(command)["__signature__"] = signature.replace(parameters=parameters, return_annotation=None)
    return command


def _option(parameter: inspect.Parameter, hint: Any, target: str) -> inspect.Parameter:
    """An option `--name VALUE` for a parameter; none is positional, so that a command line reads like the form."""
    # A target may come from the shell that `up` told about itself; it is never assumed.
    env_var = target if parameter.name == "target" else None
    option = Parameter(
        env_var=env_var,
        consume_multiple=True,
        negative_iterable="",
        negative="" if parameter.default is False else None,
    )
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[hint, option])


def _example(function: Callable[..., object]) -> str | None:
    docstring = parse_docstring(inspect.getdoc(function) or "")
    examples = [meta.description or "" for meta in docstring.meta if meta.args[0] == "examples"]
    if not examples:
        return None
    return "**Example**\n\n```text\n" + "\n".join(examples) + "\n```"
