"""A command made from a flow: its options and help are the flow's own, and those that every command has come from one model."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, get_type_hints

from cyclopts import App, Parameter
from docstring_parser import parse as parse_docstring

from flows.engine import Engine, Entry
from flows.option_values import check_values
from flows.options import RUN_OPTIONS, Positional, RunOptions
from flows.signatures import parameters
from tasks.settings import check_env_file


def add_flow(app: App, engine: Engine[Any], entry: Entry, *, debug: bool) -> None:
    """Load a flow, or a program, and add it to an app as a command."""
    loaded = load(entry.entrypoint)
    function = loaded if entry in engine.programs else loaded.fn
    command = _command(loaded, function, engine.target_variable, debug=debug)
    app.command(command, name=entry.name, help_epilogue=_example(function))


def load(entrypoint: str) -> Any:
    """Import the flow of an entrypoint, `package.module:name`."""
    # No ephemeral server: it needs 10 to 20 s to start, hangs on Ctrl-C and leaves orphaned processes.
    os.environ["PREFECT_SERVER_EPHEMERAL_ENABLED"] = "false"
    # Prefect reports first uses to its vendor from interactive terminals; operations tools do not call home.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # gRPC's core writes to the terminal by itself, even about connections that end well; errors reach us as exceptions.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    check_env_file()  # Prefect reads it too, when it is imported
    module, _, name = entrypoint.partition(":")
    return getattr(import_module(module), name)


def _command(
    loaded: Any, function: Callable[..., object], target: str, *, debug: bool
) -> Callable[..., None]:
    hints = get_type_hints(function, include_extras=True)
    own = inspect.signature(function).parameters
    options = [_option(parameter, hints[name], target) for name, parameter in own.items()]
    run_options = [_run_option(parameter) for parameter in parameters(RunOptions)]

    # What may stand by itself comes before what may not, as in every signature.
    options.sort(key=lambda option: option.kind)
    alone = [option.name for option in options if option.kind is not inspect.Parameter.KEYWORD_ONLY]

    def command(*by_place: Any, **values: Any) -> None:
        values |= dict(zip(alone, by_place, strict=False))
        given = {name: values.pop(name) for name in RUN_OPTIONS if name in values}
        RunOptions(**given).refuse_what_is_not_supported()
        check_values(values)  # before Prefect stores them
        if loaded is function:  # a program: Prefect has no part in it
            loaded(**values)
            return
        from flows.command_line.run import run  # noqa: PLC0415 -- help and wrong options must not need a server

        run(loaded, values, debug=debug, may_confirm="yes" in own)

    command.__doc__ = function.__doc__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in (*options, *run_options)}
    vars(command)["__signature__"] = inspect.Signature([*options, *run_options], return_annotation=None)
    return command


def _option(parameter: inspect.Parameter, hint: Any, target: str) -> inspect.Parameter:
    """An option `--name VALUE` for a parameter. Only a question is positional too: else a command line reads like the form."""
    # A target may come from the environment that `env` printed; it is never assumed.
    env_var = target if parameter.name == "target" else None
    option = Parameter(
        env_var=env_var,
        consume_multiple=True,
        negative_iterable="",
        negative="" if parameter.default is False else None,
    )
    may_stand_alone = any(isinstance(each, Positional) for each in getattr(hint, "__metadata__", ()))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if may_stand_alone else inspect.Parameter.KEYWORD_ONLY
    return parameter.replace(kind=kind, annotation=Annotated[hint, option])


def _run_option(parameter: inspect.Parameter) -> inspect.Parameter:
    """An option that every flow's command has. Help does not show it as long as it is only refused."""
    option = Parameter(show=False, negative="")
    return parameter.replace(annotation=Annotated[parameter.annotation, option])


def _example(function: Callable[..., object]) -> str | None:
    docstring = parse_docstring(inspect.getdoc(function) or "")
    examples = [meta.description or "" for meta in docstring.meta if meta.args[0] == "examples"]
    if not examples:
        return None
    return "**Example**\n\n```text\n" + "\n".join(examples) + "\n```"
