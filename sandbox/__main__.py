"""The command line of the stand-ins: `python -m sandbox`."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from sandbox import faults as fault_queue
from sandbox import write_log
from sandbox.announced import SandboxError, environment
from sandbox.elastic.options import ElasticOptions
from sandbox.options import Durations, Options, default_state

app = App(
    name="python -m sandbox",
    help="Local stand-ins of Vertex AI Vector Search, Cloud Storage and Elasticsearch. Loopback only, for development "
    "and tests.",
)
State = Annotated[Path | None, Parameter(help="State folder; default: $VECTOR_SEARCH_HOME/sandbox.")]


@app.command
def start(
    *,
    state: State = None,
    clock_factor: float = Options.clock_factor,
    advance: Literal["time", "reads"] = Options.advance,
    reads: int = Options.reads,
    list_while_creating: bool = Options.list_while_creating,
    listing_delay: float = Options.listing_delay,
    upsert_delay: float = Options.upsert_delay,
    durations: Annotated[Durations | None, Parameter(name="--durations")] = None,
    vertex: bool = Options.vertex,
    elastic: bool = True,
    elastic_options: Annotated[ElasticOptions | None, Parameter(name="--elastic")] = None,
) -> None:
    """Start the stand-ins in the foreground; Ctrl-C ends them.

    Example: python -m sandbox start --clock-factor 600

    Args:
        clock_factor: the service's own durations are divided by this (a 20-minute deployment: 4 s at 300).
        advance: what moves operations on: elapsed time, or how often somebody looks.
        reads: with --advance reads: looks until an operation is done.
        list_while_creating: whether listings show a resource that is still being created.
        listing_delay: seconds by which listings lag behind a resource's creation.
        state: where everything is kept; the default is $VECTOR_SEARCH_HOME/sandbox.
        upsert_delay: seconds until upserts and removals show in deployed copies.
        durations: of the service's operations in seconds, before the clock factor.
        vertex: whether Vertex and Cloud Storage are there.
        elastic: whether Elasticsearch is there.
        elastic_options: how it behaves.
    """
    # Before numpy is loaded: single queries are too small to share among threads, which would only wait in turns.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from sandbox.stack import run  # noqa: PLC0415 - the services are heavy, the other commands do without

    if clock_factor <= 0 or reads < 1 or listing_delay < 0 or upsert_delay < 0:
        raise SandboxError("--clock-factor and --reads must be positive, the delays must not be negative.")
    options = replace(
        Options(),
        clock_factor=clock_factor,
        advance=advance,
        reads=reads,
        list_while_creating=list_while_creating,
        listing_delay=listing_delay,
        upsert_delay=upsert_delay,
        durations=durations or Durations(),
        vertex=vertex,
        elastic=(elastic_options or ElasticOptions()) if elastic else None,
    )
    run((state or default_state()).resolve(), options)


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
    from sandbox import coverage as list_of_methods  # noqa: PLC0415 - loads all the official packages

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
