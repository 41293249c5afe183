"""The commands of the local stack: they call `flows.stack` and `demo` and print the result."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from flows import engines
from flows.command_line.demo import run_demo, times
from flows.command_line.output import print_json
from flows.console import plain, take_over
from flows.stack import api, prefect_settings
from flows.stack.processes import Process
from flows.stack.stack import LanguageModel, Stack
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.program import PROGRAM
from tasks.settings import home

_Json = Annotated[bool, Parameter(negative="", show_default=False)]


def up(*, generator: LanguageModel | None = None, json: _Json = False) -> None:
    """Start the local stack: Prefect's server and UI, the stand-ins, a worker with every deployment.

    Everything runs in the background, on loopback, in the home folder: VECTOR_SEARCH_HOME, or `.vector-search-ops` in
    the current folder. Parts that already run are left alone. Then run the line for your
    shell that it prints.

    Args:
        generator: Let a small language model answer on the sandbox, not the stand-in that quotes: SmolLM2-135M-Instruct, which
            `make generator` installs.
        json: Print what `status --json` prints instead of text. The key is not in it.

    Example:
        vector-search up
    """
    stack = Stack(home(), generator=generator)
    terminal = take_over(Console(stderr=True))
    try:
        started = stack.up()
    finally:
        terminal.end()
    if json:
        print_json(_as_it_is(stack))
        return
    plain().print("The local stack is running." if started else "The local stack is already running.")
    say_where(stack)


def status(*, json: _Json = False) -> int:
    """Show which parts of the local stack are running, and where.

    Exit code 0 when all of it runs, 1 otherwise.

    Args:
        json: Print a JSON object instead of a table.

    Example:
        vector-search status
    """
    stack = Stack(home())
    if json:
        print_json(_as_it_is(stack))
        return 0 if stack.is_up else 1
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("part", "state", "pid"):
        table.add_column(column)
    for process in stack.state.processes:
        alive = process.is_alive
        table.add_row(
            process.name, _word(process) if alive else "ended", str(process.pid) if alive else "", process.log
        )
    console = plain()
    if stack.state.processes:
        console.print(table)
        console.print(f"Logs:       {stack.home / 'logs'}")
    if stack.is_up and (url := stack.api_url):
        stack.check_protection()
        say_where(stack)
        deployments = api.deployment_count(url, stack.key)
        console.print(f"{counted(deployments, 'deployment')} on the work pool {prefect_settings.POOL}")
    else:
        console.print(
            f"The local stack in {stack.home} is not running; `{PROGRAM} up` starts what is missing."
        )
    console.print(
        f"vector-search-ops {version('vector-search-ops')}, Prefect {version('prefect')}, Python {sys.version.split()[0]}"
    )
    return 0 if stack.is_up else 1


def _as_it_is(stack: Stack) -> dict[str, Any]:
    """The stack for scripts: whether all of it runs, its addresses and its parts."""
    parts = [
        {
            "part": each.name,
            "state": _word(each) if each.is_alive else "ended",
            "pid": each.pid if each.is_alive else None,
            "log": each.log,
        }
        for each in stack.state.processes
    ]
    is_up = stack.is_up
    return {
        "running": is_up,
        "home": stack.home,
        "api": stack.api_url if is_up else None,
        "ui": stack.ui_url if is_up else None,
        "parts": parts,
    }


def _word(process: Process) -> str:
    return "running" if process.ready else "not ready"


def down(*, json: _Json = False) -> None:
    """Stop the local stack, and the demo's if it was kept.

    State, logs and reports stay in the home folder; the next `up` uses them again.

    Args:
        json: Print a JSON object instead of text: what was stopped.

    Example:
        vector-search down
    """
    stacks = [stack for stack in (Stack(home()), Stack(home() / "demo")) if stack.home.exists()]
    stopped = [stack.home for stack in stacks if stack.down()]
    if json:
        print_json({"stopped": stopped})
        return
    Console().print("The local stack is stopped." if stopped else "The local stack was not running.")


def env(*, json: _Json = False) -> None:
    """Print the environment variables for using the local stack from a shell.

    They set the Prefect API and its key, the home folder and the target `sandbox`.

    Args:
        json: Print them as a JSON object instead, for another program.

    Example:
        eval "$(vector-search env)"
    """
    stack = Stack(home())
    if stack.api_url is None:
        raise InvalidInput(
            f"The local stack in {stack.home} is not running", remedy=f"Start it with `{PROGRAM} up`."
        )
    known = stack.environment
    targets = dict.fromkeys(engine.target_variable for engine in engines.ENGINES)
    names = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "VECTOR_SEARCH_HOME", *targets)
    if json:
        print_json({name: known[name] for name in names})
        return
    for name in names:
        sys.stdout.write(f"export {name}={shlex.quote(known[name])}\n")


def demo(*, keep: bool = False, json: _Json = False) -> int:
    """Run the tour of every engine on real data, on a stack of its own that stops afterwards.

    Needs no account and no settings: it starts Prefect's server and the stand-ins itself.

    Args:
        keep: Leave the stack running, with a worker and every deployment, and print the address of its UI.
        json: Print a JSON object instead: every tour's report, how long each part took, and the folders of reports and logs.

    Example:
        vector-search demo --keep
    """
    folder = home() / "demo"
    done = run_demo(folder, keep=keep, quiet=json)
    if json:
        print_json(done)
        return done.exit_code
    plain().print(f"Reports: {done.reports}\nLogs:    {done.logs}\nTimes:   {times(done.seconds)}")
    if keep:
        say_where(Stack(folder))
    return done.exit_code


def say_where(stack: Stack) -> None:
    """Print the UI's address, how to log in there, and the one line for the shell.

    The key itself is only for a person at a terminal: output that goes anywhere else is often kept.
    """
    console = plain()
    login = stack.key if sys.stdout.isatty() else f"with the line in {stack.key_file}"
    there = "" if stack.home == home() else f"VECTOR_SEARCH_HOME={shlex.quote(str(stack.home))} "
    console.print(f"UI:         {stack.ui_url}")
    console.print(f"Log in:     {login}")
    console.print(f'Your shell: eval "$({there}{PROGRAM} env)"')
