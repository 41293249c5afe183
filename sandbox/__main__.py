"""The command line of the stand-ins: `python -m sandbox`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from cyclopts import App

from sandbox import coverage as list_of_methods
from sandbox import faults as fault_queue
from sandbox import services, write_log
from sandbox.announced import SandboxError, default_state, environment
from sandbox.start_command import State, start_command

app = App(
    name="python -m sandbox",
    help=f"Local stand-ins of {' and '.join(service.title for service in services.SERVICES)}. Loopback only, for "
    "development and tests.",
)
app.command(start_command(), name="start")


@app.command
def env(*, state: State = None) -> None:
    """Print what a shell must export for unmodified clients: eval "$(python -m sandbox env)"."""
    for name, value in environment((state or default_state()).resolve()).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@app.command
def writes(*, state: State = None) -> None:
    """List the changing calls that were accepted."""
    for write in write_log.read(_existing(state)):
        sys.stdout.write(f"{write.service} {write.method} {write.resource}\n")


@app.command
def coverage(*, check: bool = False) -> None:
    """Write COVERAGE.md anew: what is imitated, and what is known to differ.

    Args:
        check: write nothing; fail if the file is out of date.
    """
    if not check:
        list_of_methods.write()
    elif not list_of_methods.is_current():
        raise SandboxError("sandbox/COVERAGE.md is out of date: python -m sandbox coverage")


faults = App(name="faults", help="Put faults in on purpose, and see what became of them.")
app.command(faults)


@faults.command
def add(
    method: str,
    kind: fault_queue.Kind,
    *,
    when: fault_queue.When = "before",
    times: int = 1,
    seconds: float = 0.0,
    state: State = None,
) -> None:
    """Let the next calls of a method fail.

    Example: python -m sandbox faults add CreateIndex unavailable --when after

    Args:
        method: the method's short name, or * for whatever comes.
        kind: how it fails.
        when: before the effect, or after it (the reply is lost).
        times: for so many calls.
        seconds: how long a stall lasts.
        state: the sandbox's folder; the default is $VECTOR_SEARCH_HOME/sandbox.
    """
    try:
        fault_queue.add(_existing(state), method, kind, when, times, seconds)
    except ValueError as error:
        raise SandboxError(str(error)) from error


@faults.command(name="list")
def list_faults(*, state: State = None) -> None:
    """List the faults that are pending and those that struck."""
    folder = _existing(state)
    for fault in fault_queue.struck(folder):
        sys.stdout.write(f"{fault.method} {fault.kind} {fault.when}: struck\n")
    for fault in fault_queue.pending(folder):
        sys.stdout.write(f"{fault.method} {fault.kind} {fault.when}: {fault.remaining} to come\n")


@faults.command
def clear(*, state: State = None) -> None:
    """Drop the pending faults."""
    fault_queue.clear(_existing(state))


def _existing(state: Path | None) -> Path:
    folder = (state or default_state()).resolve()
    if not folder.is_dir():
        raise SandboxError(f"There is no state folder {folder}.")
    return folder


def main() -> None:
    """Run a command; what goes wrong is one line."""
    try:
        app()
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
