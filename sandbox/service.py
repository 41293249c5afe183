"""What a stand-in is to everything that serves all of them: light, so that reading the list loads no server.

The process that runs them, the command line, the arguments of a child process and COVERAGE.md read these objects from
`sandbox.services`, and none of them asks which service it has before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from sandbox.keys import Keys
from sandbox.ports import Ports

Options = TypeVar("Options")


def _still_answers() -> None:
    return None


def _starts(_options: object) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that answers."""

    environment: Mapping[str, str]
    """The variables that its clients need."""
    stop: Callable[[], None]
    failure: Callable[[], str | None] = _still_answers
    """Why it no longer answers; None while it does. Asked twice a second."""


@dataclass(frozen=True, kw_only=True)
class Service(Generic[Options]):
    """One stand-in."""

    name: str
    """Its switch on the command line: `elastic` for `--elastic` and `--no-elastic`."""
    title: str
    """Its name for people."""
    options: type[Options]
    """A frozen dataclass with defaults; each field is an option of `python -m sandbox start`."""
    prefix: str
    """What the names of its options begin with: `elastic` for `--elastic.version`; empty for none."""
    ports: tuple[str, ...]
    """Names of the ports that it needs, unique among all services."""
    start: Callable[[Path, Options, Ports, Keys], Running]
    """Starts it on a state folder and returns once it answers; releases its ports just before it binds them, and asks for
    its key wherever an unmodified client can carry one. Raises SandboxError when it cannot start."""
    check: Callable[[Options], None] = _starts
    """Asked of every service before the first one starts. Raises SandboxError when it cannot start with these options."""
    coverage: Callable[[], Iterable[str]]
    """The lines of its part of COVERAGE.md."""
