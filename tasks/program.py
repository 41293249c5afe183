"""Our own commands, whole, as people paste them into a shell: for every help text, error and remedy that names one."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

PROGRAM = "vector-search"

_target: ContextVar[str] = ContextVar("target", default="TARGET")


@contextmanager
def on_target(target: str) -> Generator[None]:
    """Let the commands that are named in this block work where the running flow does."""
    before = _target.set(target)
    try:
        yield
    finally:
        _target.reset(before)


def command(flow: str, **options: str | bool) -> str:
    """A command with its options: `vector-search vertex prune --name products --target sandbox`.

    Args:
        flow: the engine and its flow: `vertex prune`.
        options: by their fields; True sets a flag. What only the reader knows is in capitals: `data="FILE.hdf5"`.
    """
    words = [PROGRAM, *flow.split()]
    for option, value in {**options, "target": _target.get()}.items():
        words += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(words)
