"""The command that resumes a run: the running flow's own, with the parameters that it was given."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect.context import FlowRunContext

from tasks.errors import GateNotMet, InvalidInput, NotConfirmed
from tasks.program import PROGRAM


def resuming(error: BaseException) -> str:
    """The command that resumes the running flow after an error, as people paste it into a shell.

    Empty where nothing has begun or nothing is left to do, outside of a run, and for parameters that no command line has.
    """
    run = FlowRunContext.get()
    if run is None or run.flow is None or isinstance(error, (InvalidInput, NotConfirmed, GateNotMet)):
        return ""
    defaults = {one.name: one.default for one in inspect.signature(run.flow.fn).parameters.values()}
    given = {
        name: value
        for name, value in (run.parameters or {}).items()
        if name in defaults and value != defaults[name]
    }
    try:
        return shlex.join([PROGRAM, *run.flow.name.split(), *_words(given)])
    except TypeError:
        return ""


def _words(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            yield f"--{option}" if value else f"--no-{option}"
        else:
            yield f"--{option}"
            yield from map(_word, value if isinstance(value, (list, tuple)) else [value])  # pyright: ignore[reportUnknownArgumentType]


def _word(value: Any) -> str:
    if isinstance(value, (str, int, float, Path)):
        return str(value)
    raise TypeError(f"No word of a command line says {value!r}")
