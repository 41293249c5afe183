"""Background processes that outlive the command that started them and are stopped by another one.

A process is identified by its id **and** its start time: by the time we look again, the id alone may belong to another
process. Each gets a session of its own, so that Ctrl-C in the terminal reaches only the command in the foreground. It does
nothing before it is recorded: a command that is killed in between leaves no process that nobody knows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

_GRACE_SECONDS = 10.0
"""How long a process may take to stop by itself; Prefect's server and a worker take 1 or 2 seconds."""
_LOOK_SECONDS = 0.05
_GATE = """\
import os, sys
if not sys.stdin.readline():
    sys.exit("The command that started this was killed before it had recorded it.")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Waits for a line, then becomes the command, with the same id and start time."""
_exit_codes: dict[int, int] = {}
"""Of the children of this process that have ended, by their ids."""


@dataclass(frozen=True)
class Process:
    """A process that we started."""

    name: str
    pid: int
    started: str
    """When it started, as the system reports it; distinguishes it from a later process with the same id."""
    log: str
    """The file with its output."""
    ready: bool = False
    """It has been seen to do its work. One that is alive but not ready may be what an `up` that was killed has left."""
    log_begins: int = 0
    """Where its own output begins in the log, in bytes; what is before was said by its predecessors."""
    options: str = ""
    """What it was started with by choice, as it is written on the command line."""

    @property
    def is_alive(self) -> bool:
        """Whether this very process is still running; a zombie is not."""
        return started_at(self.pid) == self.started

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with exit code 0; known only for a child of this very process."""
        if self.is_alive:
            return False
        _reap(
            self.pid, 0
        )  # waits: its first thread, the one that is looked at, may have ended before the others
        return _exit_codes.get(self.pid) == 0

    def tail(self, lines: int = 8) -> str:
        """The last lines that it has said."""
        try:
            said = Path(self.log).read_bytes()[self.log_begins :]
        except OSError:
            return "(no log)"
        return "\n".join(said.decode(errors="replace").splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    options: str = "",
    record: Callable[[Process], None] = lambda _: None,
) -> Process:
    """Start a process in a session of its own, its output appended to a log.

    Args:
        name: what we call it.
        command: the path of a program, and its arguments.
        environment: all of its environment variables.
        folder: where it runs.
        log: the file for its output.
        options: what of the command somebody has chosen.
        record: called with the process before the command begins. If it fails, or we are killed in it, nothing begins.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # A shell without job control starts background jobs with SIGINT ignored, and children inherit that; Prefect's
    # worker turns SIGTERM into SIGINT and would then never stop.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with log.open("ab") as output:
            begins = output.tell()
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _GATE, *command],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    finally:
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)
    child.returncode = 0  # We never wait for it: no ResourceWarning when this handle is collected.
    process = Process(
        name,
        child.pid,
        started_at(child.pid) or "ended at once",
        str(log),
        log_begins=begins,
        options=options,
    )
    gate = cast("IO[bytes]", child.stdin)
    try:
        record(process)
        with suppress(BrokenPipeError):
            gate.write(b"recorded\n")
            gate.flush()
    finally:
        with suppress(BrokenPipeError):
            gate.close()
    return process


def stop(processes: Iterable[Process]) -> None:
    """Stop processes and everything they started: terminated first, killed after a grace period."""
    alive = [process for process in processes if process.is_alive]
    # Some children have sessions of their own, so they must be found before their parent is gone.
    _end({process.pid: process.started for process in alive} | _descendants(alive))


def stop_descendants(process: Process) -> None:
    """Stop everything that a process started, but not the process itself."""
    _end(_descendants([process]))


def started_at(pid: int) -> str | None:
    """When a process started, as the system reports it; None if there is none, or only a zombie."""
    _reap(pid)
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The command's name, in parentheses, may hold anything, even half a character.
            # What follows it is 22 - 2 fields on.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = _ps("-o", "stat=,lstart=", "-p", str(pid)).split(maxsplit=1)
    return answer[1].strip() if len(answer) == 2 and not answer[0].startswith("Z") else None


def _end(doomed: Mapping[int, str]) -> None:
    _signal(doomed, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while (doomed := _still(doomed)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    _signal(doomed, signal.SIGKILL)
    while doomed := _still(doomed):
        time.sleep(_LOOK_SECONDS)


def _still(processes: Mapping[int, str]) -> dict[int, str]:
    return {pid: started for pid, started in processes.items() if started_at(pid) == started}


def _signal(processes: Mapping[int, str], number: signal.Signals) -> None:
    for pid in _still(processes):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap(pid: int, options: int = os.WNOHANG) -> None:
    """Reap a child of this very process, which would otherwise stay a zombie as long as we run."""
    try:
        ended, status = os.waitpid(pid, options)
    except (ChildProcessError, OSError):
        return
    if ended:
        _exit_codes[pid] = os.waitstatus_to_exitcode(status)


def _parents() -> dict[int, int]:
    """The parent of every process."""
    if Path("/proc/self/stat").exists():
        found: dict[int, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text(errors="replace").rpartition(")")[2].split()
                found[int(stat.parent.name)] = int(fields[1])
            except OSError:
                continue
        return found
    pairs = (line.split() for line in _ps("-A", "-o", "pid=,ppid=").splitlines())
    return {int(pid): int(parent) for pid, parent in pairs}


def _descendants(processes: Iterable[Process]) -> dict[int, str]:
    parents = _parents()
    found: set[int] = set()
    fresh = {process.pid for process in processes}
    while fresh := {child for child, parent in parents.items() if parent in fresh} - found:
        found |= fresh
    return {pid: started for pid in found if (started := started_at(pid))}


def _ps(*arguments: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(
        ["ps", *arguments],  # noqa: S607 -- its path differs between systems
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    ).stdout
