"""The command line of the stand-ins: `python -m sandbox`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cyclopts import App

from sandbox import coverage as list_of_methods
from sandbox import faults as fault_queue
from sandbox import services, write_log
from sandbox.announced import SandboxError, default_state, environment
from sandbox.start_command import State, start_command

app = App(
    name="python -m sandbox",
    help=f"Local stand-ins: {'; '.join(service.title for service in services.SERVICES)}. Loopback only, for "
    "development and tests.",
)
app.command(start_command(), name="start")


@app.command
def env(*, state: State = None) -> None:
    """Print the variables that unmodified clients need: eval "$(python -m sandbox env)"."""
    for name, value in environment((state or default_state()).resolve()).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command
def writes(*, state: State = None) -> None:
    """List the calls that changed something."""
    for write in write_log.read(_existing(state)):
        sys.stdout.write(f"{write.service} {write.method} {write.resource}\n")


@app.command
def coverage(*, check: bool = False) -> None:
    """Regenerate COVERAGE.md: what is imitated, and what is known to differ.

    Args:
        check: write nothing; fail if the file is out of date.
    """
    if not check:
        list_of_methods.write()
    elif not list_of_methods.is_current():
        raise SandboxError("sandbox/COVERAGE.md is out of date: python -m sandbox coverage")


faults = App(name="faults", help="Inject faults, and see which of them have struck.")
app.command(faults)


@faults.command
def add(
    method: str,
    kind: fault_queue.Kind,
    *,
    when: fault_queue.When = "before",
    times: int = 1,
    seconds: float | None = None,
    retry_after: float | None = None,
    state: State = None,
) -> None:
    """Make the next calls of a method fail.

    Example: python -m sandbox faults add CreateIndex unavailable --when after
    Example: python -m sandbox faults add DeployIndex stall --when end

    Args:
        method: the method's short name, or * for any method that can fail like this.
        kind: how it fails.
        when: before the call takes effect; after it (the reply is lost); or at the end of the operation, task, download or
            deployment that it starts.
        times: the number of calls that fail.
        seconds: the duration of a stall; by default as long as the caller waits, and an operation then never ends.
        retry_after: throttled: the seconds after which the answer asks to try again; by default it does not say.
        state: the sandbox's folder; $VECTOR_SEARCH_HOME/sandbox by default.
    """
    try:
        fault_queue.add(_existing(state), method, kind, when, times, seconds, retry_after)
    except ValueError as error:
        raise SandboxError(str(error)) from error


@faults.command(name="list")
def list_faults(*, state: State = None) -> None:
    """List the pending faults and those that have struck."""
    folder = _existing(state)
    for fault in fault_queue.struck(folder):
        sys.stdout.write(f"{fault.method} {fault.kind} {fault.when}: struck\n")
    for fault in fault_queue.pending(folder):
        sys.stdout.write(f"{fault.method} {fault.kind} {fault.when}: {fault.remaining} pending\n")


@faults.command
def methods(*, state: State = None) -> None:
    """List the methods of the stand-ins that have started on this folder, and how each can fail."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for method, when, kind in fault_queue.possible(_existing(state)):
        kinds.setdefault((method, when), []).append(kind)
    for (method, when), possible in sorted(kinds.items()):
        sys.stdout.write(f"{method} {when}: {', '.join(possible)}\n")


@faults.command
def clear(*, state: State = None) -> None:
    """Drop the pending faults."""
    fault_queue.clear(_existing(state))


def _existing(state: Path | None) -> Path:
    folder = (state or default_state()).resolve()
    if not folder.is_dir():
        raise SandboxError(f"There is no state folder {folder}.")
    return folder


def _command() -> Callable[[], None]:
    try:
        command, given, _ = app.parse_args()
    except ValueError as error:  # options that check themselves
        raise SandboxError(str(error)) from error
    return partial(command, *given.args, **given.kwargs)


def main() -> None:
    """Run a command; an error is printed as one line."""
    try:
        _command()()
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
