"""A Prefect flow made from a function that takes its options as one model.

The flow's parameters are the model's fields, one by one: its form, deployments and schedules stay flat, and a run shows the
values it was given. The function gets the validated model.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import Flow, flow
from prefect.states import Cancelled

from flows.engine import Engine
from flows.options import Options
from flows.report import Report
from flows.running.worker_run import watched
from flows.signatures import docstring, options_of, parameters
from tasks.errors import NotConfirmed, without_secrets
from tasks.program import on_target

OptionsT = TypeVar("OptionsT", bound=Options)
ResultT = TypeVar("ResultT")


def engine_flow(
    engine: Engine[Any], name: str, *, run_name: str
) -> Callable[[Callable[[OptionsT], Report]], Flow[..., Report]]:
    """Make a function the flow of an engine that is called `name` in the engine's list of flows.

    A run that nobody agrees to raises `NotConfirmed` and is shown as cancelled.

    Args:
        engine: whose flow it is.
        name: as in the engine's list.
        run_name: the name of a run, with options in braces: `build {name} on {target}`.
    """
    return options_flow(f"{engine.name} {name}", run_name=run_name)


def options_flow(name: str, *, run_name: str) -> Callable[[Callable[[OptionsT], Report]], Flow[..., Report]]:
    """Make a function of its options a flow of this name, of no engine; else as `engine_flow`."""

    def made(function: Callable[[OptionsT], Report]) -> Flow[..., Report]:
        flat = _flat(function, Report)

        @functools.wraps(flat)
        def run(**values: Any) -> Any:
            with watched():
                try:
                    return flat(**values)
                # Nothing was done: no failure, and whoever called gets the error all the same.
                except NotConfirmed as error:
                    return Cancelled(message=str(error), data=error)

        return flow(
            name=name,
            flow_run_name=run_name,
            description=inspect.getdoc(function) or "",
            persist_result=False,
        )(run)

    return made


def engine_program(function: Callable[[OptionsT], None]) -> Callable[..., None]:
    """Make a function of its options a command that is no flow: it runs until somebody stops it, and Prefect stores nothing of it."""
    return _flat(function, None)


def _flat(function: Callable[[OptionsT], ResultT], returns: Any) -> Callable[..., ResultT]:
    """The function with the fields of its options as its parameters."""
    model = options_of(function)
    signature = inspect.Signature(parameters(model), return_annotation=returns)

    @functools.wraps(function)
    def flat(**values: Any) -> ResultT:
        with without_secrets(), on_target(values["target"]):
            return function(model.model_validate(values))  # pyright: ignore[reportArgumentType] -- the function's own model

    flat.__doc__ = docstring(inspect.getdoc(function) or "", model)
    flat.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    vars(flat)["__signature__"] = signature
    return flat
