"""A command made from a flow: its options and help are the flow's own, and those that every command has come from one model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from pydantic import BaseModel, ValidationError

from flows.command_line.help_text import InGroups, as_typed, example, group_of, output_group
from flows.command_line.reaching import reach
from flows.commands import command_of, load
from flows.console import loading
from flows.engine import Engine, Entry
from flows.option_values import check_values
from flows.options import RUN_OPTIONS, RunOptions
from flows.signatures import options_of, parameters
from flows.targets import Target
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed


def add_flow(app: App, engine: Engine[Any], entry: Entry, *, debug: bool) -> None:
    """Add a flow, or a program, to an app as a command. It is loaded when it runs."""
    asked = command_of(engine, entry)
    options = [_option(one, engine, entry.argument) for one in asked.options]
    options.sort(key=lambda one: one.kind)  # as Python wants it: the argument first
    is_flow = entry in engine.flows
    run_options = [
        _run_option(one, is_shown=is_flow and (entry.plans or one.name != "plan"))
        for one in parameters(RunOptions)
    ]

    def command(*arguments: Any, **values: Any) -> None:
        values |= zip([entry.argument], arguments, strict=False)
        given = {name: values.pop(name) for name in RUN_OPTIONS if name in values}
        check_values({**given, **values})  # before Prefect stores them
        how = RunOptions(**given)
        if not is_flow:
            how.refuse(*RUN_OPTIONS, why="it runs until it is stopped, and has neither a result nor a report")
        if not entry.plans:
            planning = listed(one.name for one in engine.flows if one.plans)
            how.refuse("plan", why=f"those of {engine.title} that have it are {planning}")
        if how.plan:
            how.refuse("report", why="a plan is no run, and has no report")
        how.check_report()
        with loading(quiet=how.quiet):
            loaded = load(entry.entrypoint)
        function = inspect.unwrap(getattr(loaded, "fn", loaded))
        _check_options(options_of(function), values)
        if how.plan or not is_flow:
            reach(str(values["target"]))
        if not is_flow:  # Prefect has no part in it
            loaded(**values)
            return
        with loading(quiet=how.quiet):
            from flows.command_line.run import run, show_plan  # noqa: PLC0415 -- help and wrong options must not need a server

        if how.plan:
            show_plan(loaded, values, options=how, debug=debug)
            return
        run(loaded, values, options=how, debug=debug, may_confirm=any(one.name == "yes" for one in options))

    command.__doc__ = as_typed(asked.docstring, (one.name for one in options))
    command.__annotations__ = {one.name: one.annotation for one in (*options, *run_options)}
    vars(command)["__signature__"] = inspect.Signature([*options, *run_options], return_annotation=None)
    app.command(command, name=entry.name, help_formatter=InGroups(), help_epilogue=example(asked.docstring))


def _check_options(model: type[BaseModel], values: Mapping[str, object]) -> None:
    """Refuse what only the flow's own options refuse, in words and without a server: Prefect would say it three times.

    Raises:
        InvalidInput: names the option of the first value that is wrong, and how many others are.
    """
    try:
        model.model_validate(values)
    except ValidationError as error:
        first, *others = error.errors()
        name = f"--{first['loc'][0]}".replace("_", "-") if first["loc"] else "the options together"
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        more = f"{counted(len(others), 'other value')} cannot be used either." if others else ""
        value = first["input"] if first["loc"] else None
        raise InvalidInput(said, value=value, source=name, remedy=more) from None


def _option(parameter: inspect.Parameter, engine: Engine[Any], argument: str) -> inspect.Parameter:
    """An option `--name VALUE` for a parameter. Only an argument is positional, so that a command line reads like the form."""
    # A target may come from the environment that `env` printed; it is never assumed.
    is_target = parameter.name == "target"
    env_var = engine.target_variable if is_target else None
    is_open = (
        is_target and parameter.annotation is str
    )  # a block is a target too; help shows the others as choices
    if is_open:
        parameter = parameter.replace(annotation=Literal[engine.targets] | str)
    option = Parameter(
        env_var=env_var,
        validator=_is_target(engine) if is_open else None,
        group=group_of(parameter.name),
        consume_multiple=True,
        negative_iterable="",
        negative="" if parameter.default is False else None,
        show_default=False
        if parameter.default in ((), [], "", False)
        else None,  # nothing is not worth a word
    )
    kind = parameter.POSITIONAL_OR_KEYWORD if parameter.name == argument else parameter.kind
    return parameter.replace(annotation=Annotated[parameter.annotation, option], kind=kind)


def _is_target(engine: Engine[Any]) -> Callable[[Any, str], str]:
    """Refuses what is no target of an engine before its flow is loaded."""
    return lambda _, target: Target(*engine.targets).check(target)


def _run_option(parameter: inspect.Parameter, *, is_shown: bool) -> inspect.Parameter:
    """An option that every command has. Help does not show it where it is only refused."""
    described = vars(RunOptions)["__pydantic_fields__"][parameter.name].description
    option = Parameter(show=is_shown, negative="", help=described, group=output_group(), show_default=False)
    return parameter.replace(annotation=Annotated[parameter.annotation, option])
