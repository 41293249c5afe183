"""The sandbox as a child process: started, awaited until it announces itself, stopped or killed.

For tests and for programs that need a sandbox for a while. The child ends when we end, so nothing is left behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast, get_type_hints

from sandbox import private, services, tied
from sandbox.announced import SandboxError, announcement

_PATIENCE = 60.0
_LOOK_EVERY = 0.02
_LOG = "sandbox.log"


class SandboxProcess:
    """A running sandbox."""

    def __init__(self, state: Path, process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
        self.state = state
        self.environment = environment
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> int:
        """Stop it gracefully and return its exit code."""
        return tied.stop(self._process)

    def kill(self) -> None:
        """Kill it as `kill -9` does: it cannot clean up."""
        self._process.kill()
        self._process.wait()


def start(state: Path, *options: object, without_keys: bool = False) -> SandboxProcess:
    """Start a sandbox on a state folder and wait until everything in it answers. Call it from the main thread.

    Args:
        state: the folder.
        options: those of each service that is to run, as `VertexOptions()`; without any, all services run.
        without_keys: whether whoever reaches them may use them, as with `--open`.

    Raises:
        SandboxError: it ended, or did not announce itself in time; with the last line of its log.
    """
    state = state.resolve()
    private.make_folder(state)
    command = [sys.executable, "-m", "sandbox", "start", "--state", str(state), *arguments(*options)]
    if without_keys:
        command.append("--open")
    log = state / _LOG
    with log.open("ab") as output:
        process = tied.start(
            command,
            {**os.environ, "PYTHONUNBUFFERED": "1", **secrets(*options)},
            output,
            Path(__file__).parents[1],
        )
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = _announced(state)
        if found and found["pid"] == process.pid:
            return SandboxProcess(state, process, found["environment"])
        if process.poll() is not None:
            raise SandboxError(
                f"The sandbox on {state} ended with code {process.returncode}: {_last_line(log)}"
            )
        time.sleep(_LOOK_EVERY)
    process.kill()
    raise SandboxError(f"The sandbox on {state} did not answer within {_PATIENCE:.0f} s: {_last_line(log)}")


@contextmanager
def running(state: Path, *options: object, without_keys: bool = False) -> Generator[dict[str, str]]:
    """A sandbox for the duration of a `with` block; yields the environment for its clients."""
    process = start(state, *options, without_keys=without_keys)
    try:
        yield process.environment
    finally:
        process.stop()


def arguments(*options: object) -> list[str]:
    """The command-line arguments that stand for these options, without the secrets: every user can list them."""
    chosen = services.chosen(options)
    words: list[str] = []
    for service in services.SERVICES:
        words.append(f"--{service.name}" if service.name in chosen else f"--no-{service.name}")
        if service.name in chosen:
            prefix = f"{service.prefix}." if service.prefix else ""
            hidden = _variables(chosen[service.name])
            shown = {
                name: value for name, value in asdict(chosen[service.name]).items() if name not in hidden
            }
            words += _flags(prefix, shown)
    return words


def secrets(*options: object) -> dict[str, str]:
    """The variables that stand for the secrets among these options."""
    return {
        variable: value
        for each in options
        for field, variable in _variables(each).items()
        if (value := getattr(each, field))
    }


def _variables(options: object) -> dict[str, str]:
    """The variable of each field that has one: those that are secrets."""
    found: dict[str, str] = {}
    for field, annotation in get_type_hints(type(options), include_extras=True).items():
        for note in getattr(annotation, "__metadata__", ()):
            found.update((field, variable) for variable in getattr(note, "env_var", None) or ())
    return found


def _flags(prefix: str, values: Mapping[str, Any]) -> Iterator[str]:
    for field, value in values.items():
        name = prefix + field.replace("_", "-")
        if isinstance(value, dict):
            yield from _flags(f"{name}.", cast("dict[str, Any]", value))
        else:
            yield f"--{name}={value}"


def _announced(state: Path) -> dict[str, Any] | None:
    try:
        return json.loads(announcement(state).read_text())
    except FileNotFoundError:
        return None


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it wrote nothing"])[-1]
