"""A program loaded once and forked for every use: a process of its own each, without seconds of imports.

`serve` is the loop of the program that is forked, a module that loads what it needs and calls it; `Forks` is for those who
use it. Orders and answers are lines of JSON. Nothing that keeps a thread or a channel may run before the fork: imports only.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.polling import until

ROOT = Path(__file__).parents[1]


def serve(main) -> None:
    """Fork for every order until stdin ends; `main(words)` returns the exit code of a fork."""
    # Else every fork, at its end, collects and so copies all of what was loaded here: 1.2 s of its 1.9.
    gc.freeze()
    _say(ready=True)
    running: set[int] = set()
    while True:
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.discard(pid)
                _say(ended=pid, code=os.waitstatus_to_exitcode(status))
        if select.select([0], [], [], 0.02 if running else None)[0]:
            line = sys.stdin.buffer.raw.readline()  # raw: select must not miss what a buffer holds
            if not line:
                return
            pid = os.fork()
            if not pid:
                _become(json.loads(line), main)
            running.add(pid)
            _say(began=pid)


def _become(order: dict, main) -> None:
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    os.setsid()
    for descriptor, file in ((1, order["out"]), (2, order["err"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _end(main(order["words"]))


def _end(code: int) -> None:
    """End as the interpreter does, but take apart nothing: that would copy all of what was loaded."""
    threading._shutdown()  # waits for the threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


@dataclass
class Fork:
    """A process under way or ended."""

    pid: int
    out_file: Path
    err_file: Path
    words: list[str]
    _forks: Any = field(repr=False)
    _code: int | None = None

    @property
    def out(self):
        return self.out_file.read_text()

    @property
    def err(self):
        return self.err_file.read_text()

    @property
    def code(self):
        """The exit code; waits for the end."""
        if self._code is None:
            self._code = self._forks.code_of(self.pid)
        return self._code

    @property
    def has_ended(self):
        return self._code is not None or self._forks.has_ended(self.pid)

    def signal(self, number=signal.SIGKILL):
        """Send it a signal and wait for its end."""
        os.kill(self.pid, number)
        return self.code

    def wait_for(self, text):
        """Wait until it has said that."""
        until(lambda: text in self.err or self.has_ended, f"{text!r}, said by {self.words}")
        assert text in self.err, self.err
        return self

    @property
    def error(self):
        """Its one error paragraph."""
        told = [line for line in self.err.splitlines() if line.startswith(("error: ", "interrupted: "))]
        assert len(told) == 1, self.err
        assert "Traceback" not in self.err
        return told[0]


class Forks:
    """A module that serves forks, as `tests.flows.preloaded` does.

    Args:
        module: its name.
        folder: where the forks run and what they say is kept.
        environment: of the program itself; a fork has one of its own.
    """

    def __init__(self, module, folder, environment=None):
        self.folder = folder
        self._numbers = count()
        self._codes = {}
        self._server = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read("ready")

    def start(self, words, environment):
        number = next(self._numbers)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        err.touch()
        order = {
            "words": words, "environment": environment, "folder": str(self.folder), "out": str(out), "err": str(err)
        }  # fmt: skip
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return Fork(self._read("began"), out, err, words, self)

    def code_of(self, pid):
        while pid not in self._codes:
            self._read("ended", pid)
        return self._codes[pid]

    def has_ended(self, pid):
        try:
            return (
                pid in self._codes
                or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
            )
        except FileNotFoundError:
            return True

    def close(self):
        self._server.stdin.close()
        self._server.wait(30)

    def _read(self, key, value=None):
        while True:
            said = json.loads(self._server.stdout.readline())
            if "ended" in said:
                self._codes[said["ended"]] = said["code"]
            if key in said and value in (None, said[key]):
                return said[key]
