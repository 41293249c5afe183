"""What the local stack remembers of itself: `stack.json` in its home folder, replaced as a whole, never half written."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flows.stack.processes import Process


@dataclass(frozen=True)
class State:
    """What was started, and where."""

    port: int | None = None
    """The Prefect server's; kept after `down`, so that a shell that was told the address can go on after the next `up`."""
    processes: tuple[Process, ...] = ()

    def alive(self, name: str) -> Process | None:
        """The process of that name, if it still runs."""
        return next(
            (process for process in self.processes if process.name == name and process.is_alive), None
        )

    def with_process(self, process: Process) -> State:
        """This state, with a process in place of an earlier one of its name."""
        others = tuple(other for other in self.processes if other.name != process.name)
        return replace(self, processes=(*others, process))


def read(file: Path) -> State:
    """The state that a file holds; an empty one if there is no file, or none that can be read."""
    try:
        found = json.loads(file.read_text())
        return State(found["port"], tuple(Process(**process) for process in found["processes"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return State()


def write(file: Path, state: State) -> None:
    """Replace what a file holds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(state), indent=2))
    os.replace(draft, file)  # noqa: PTH105 -- the word says what it does
