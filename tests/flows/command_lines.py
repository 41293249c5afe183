"""The command line for tests: every command a process of its own, forked from one that has everything loaded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from tests.polling import until


@dataclass
class Command:
    """A command under way or ended, a process of its own."""

    pid: int
    out_file: Path
    err_file: Path
    words: list[str]
    _line: Any = field(repr=False)
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
            self._code = self._line.code_of(self.pid)
        return self._code

    @property
    def has_ended(self):
        return self._code is not None or self._line.has_ended(self.pid)

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


class CommandLine:
    """The preloaded command line."""

    def __init__(self, folder):
        self.folder = folder
        self._numbers = count()
        self._codes = {}
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("preloaded.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
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
        return Command(self._read("began"), out, err, words, self)

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
