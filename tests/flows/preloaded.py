"""The command line, loaded once and forked for every command: a process of its own each, without 4 s of imports.

Reads one command as JSON a line from stdin, answers with one JSON line when it has begun and one when it has ended.
Nothing that keeps a thread or a channel may run here before the fork: imports only.
"""

from __future__ import annotations

import gc
import json
import os
import select
import sys

# What Prefect loads at a process's first run only.
import anyio._backends._asyncio  # noqa: F401
import fastapi  # noqa: F401
import graphviz  # noqa: F401
import prefect.engine
import prefect.flow_engine
import prefect.task_engine
import prefect.telemetry.run_telemetry
import prefect.utilities.visualization  # noqa: F401 -- loaded for the forks

import flows.command_line.run  # noqa: F401 -- loaded for the forks
from flows.command_line.from_flow import load
from flows.command_line.main import main
from flows.engines import ENGINES

for engine in ENGINES:
    for entry in engine.flows:
        load(entry.entrypoint)


def run(command: dict) -> None:
    """In the fork: become that command."""
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    os.setsid()
    for descriptor, file in ((1, command["out"]), (2, command["err"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    sys.exit(main(command["words"]))


def say(**facts: object) -> None:
    """Answer with a line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def serve() -> None:
    """Fork for every line until stdin ends."""
    # Else every fork, at its end, collects and so copies all of what was loaded here: 1.2 s of its 1.9.
    gc.freeze()
    say(ready=True)
    running: set[int] = set()
    while True:
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.discard(pid)
                say(ended=pid, code=os.waitstatus_to_exitcode(status))
        if select.select([0], [], [], 0.02 if running else None)[0]:
            line = sys.stdin.buffer.raw.readline()  # raw: select must not miss what a buffer holds
            if not line:
                return
            pid = os.fork()
            if not pid:
                run(json.loads(line))
            running.add(pid)
            say(began=pid)


if __name__ == "__main__":
    serve()
