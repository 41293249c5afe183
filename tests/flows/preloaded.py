"""The command line with every flow, loaded to be forked for each command."""

from __future__ import annotations

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

import flows.command_line.run  # noqa: F401 -- loaded for the forks
from flows.command_line import main
from flows.command_line.from_flow import load
from flows.engines import ENGINES
from tests.forks import serve

for engine in ENGINES:
    for entry in engine.flows:
        load(entry.entrypoint)


def run(words: list[str]) -> int:
    """Run a command, with the Prefect settings of the fork's own environment."""
    refresh_global_settings_context()
    return main.main(words)


if __name__ == "__main__":
    serve(run)
