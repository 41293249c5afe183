"""The command line with every flow, loaded to be forked for each command."""

from __future__ import annotations

import os

# What Prefect loads at a process's first run only.
import anyio._backends._asyncio  # noqa: F401
import fastapi  # noqa: F401
import graphviz  # noqa: F401
import prefect.engine
import prefect.flow_engine
import prefect.task_engine
import prefect.telemetry.run_telemetry
import prefect.utilities.visualization  # noqa: F401 -- loaded for the forks
from prefect.context import refresh_global_settings_context
from pydantic import BaseModel

import flows.command_line.run  # noqa: F401 -- loaded for the forks
from flows.command_line import main
from flows.commands import load
from flows.engines import ENGINES
from tests.forks import serve

for engine in ENGINES:
    for entry in engine.flows:
        load(entry.entrypoint)


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}


def _complete(model: type[BaseModel]) -> None:
    """Build what pydantic would build at a model's first use, in every fork again."""
    if model.__module__.startswith("prefect.") and not model.__pydantic_complete__:
        model.model_rebuild(raise_errors=False)
    for derived in model.__subclasses__():
        _complete(derived)


_complete(BaseModel)
_loaded = _settings()


def run(words: list[str]) -> int:
    """Run a command, with the Prefect settings of the fork's own environment."""
    if _settings() != _loaded:  # it takes a sixth of a second
        refresh_global_settings_context()
    return main.main(words)


if __name__ == "__main__":
    serve(run)
