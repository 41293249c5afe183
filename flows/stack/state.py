"""What the local stack remembers about itself: `stack.json` in its home folder, always replaced as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from flows.stack.processes import Process
from tasks.files import write_whole


@dataclass(frozen=True)
class State:
    """What was started, and where."""

    port: int | None = None
    """The Prefect server's; kept after `down`, so that a shell that has the address still works after the next `up`."""
    processes: tuple[Process, ...] = ()

    def alive(self, name: str) -> Process | None:
        """The process with that name, if it is still running."""
        return next(
            (process for process in self.processes if process.name == name and process.is_alive), None
        )

    def is_ready(self, name: str) -> bool:
        """Whether the process with that name runs, and was seen to do its work."""
        process = self.alive(name)
        return process is not None and process.ready

    def with_process(self, process: Process) -> State:
        """This state with a process in place of an earlier one with the same name."""
        others = self.without(process.name)
        return replace(others, processes=(*others.processes, process))

    def without(self, name: str) -> State:
        """This state without the process with that name."""
        return replace(self, processes=tuple(each for each in self.processes if each.name != name))

    def with_ready(self, name: str) -> State:
        """This state with the process with that name marked as ready."""
        marked = (replace(each, ready=True) if each.name == name else each for each in self.processes)
        return replace(self, processes=tuple(marked))


def read(file: Path) -> State:
    """The state in a file; an empty one if there is no file, or an unreadable one."""
    try:
        found = json.loads(file.read_text())
        return State(found["port"], tuple(Process(**process) for process in found["processes"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return State()


def write(file: Path, state: State) -> None:
    """Replace the content of a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(asdict(state), indent=2))
