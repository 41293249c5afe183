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
    running: dict[int, int] = {}
    """The number of the order by the process."""
    while True:
        for pid, number in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del running[pid]
                _say(ended=number, code=os.waitstatus_to_exitcode(status))
        if select.select([0], [], [], 0.02 if running else None)[0]:
            line = sys.stdin.buffer.raw.readline()  # raw: select must not miss what a buffer holds
            if not line:
                return
            order = json.loads(line)
            pid = os.fork()
            if not pid:
                _become(order, main)
            running[pid] = order["number"]
            _say(began=order["number"], pid=pid)


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
    """A process under way or ended. Its number is its own; the system gives its pid to others afterwards."""

    number: int
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
            self._code = self._forks.code_of(self.number)
        return self._code

    @property
    def has_ended(self):
        return self._code is not None or self._forks.has_ended(self.number)

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
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        self._hear("ready", True)

    def start(self, words, environment):
        number = next(self._numbers)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        err.touch()
        order = {
            "number": number, "words": words, "environment": environment, "folder": str(self.folder), "out": str(out),
            "err": str(err),
        }  # fmt: skip
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        return Fork(number, self._hear("began", number)["pid"], out, err, words, self)

    def code_of(self, number):
        if number not in self._codes:
            self._hear("ended", number)
        return self._codes[number]

    def has_ended(self, number):
        while select.select([self._server.stdout], [], [], 0)[0]:
            self._take()
        return number in self._codes

    def close(self):
        self._server.stdin.close()
        self._server.wait(30)

    def _take(self):
        """The next that the program says."""
        said = json.loads(self._server.stdout.readline())
        if "ended" in said:
            self._codes[said["ended"]] = said["code"]
        return said

    def _hear(self, key, value):
        while (said := self._take()).get(key) != value:
            pass
        return said
