"""What tests of hostile files share: damage, a reader in a process of its own, and what counts as a good outcome."""

import json
import select
import subprocess
import sys
from pathlib import Path

from hypothesis import strategies as st

SECONDS = 30
"""For one file of a few kilobytes; a hang is one of minutes."""
MEGABYTES = 400
"""Resident, the interpreter and its libraries included; a flow may have 512."""

damages = st.lists(
    st.tuples(
        st.sampled_from(("flip", "flip", "flip", "zero", "ones", "copy", "cut")),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 2**16),
    ),
    max_size=6,
)


def damaged(path, damage, *, spared=0):
    """Change bytes of a file, except the first ones."""
    raw = bytearray(path.read_bytes())
    for what, where, number in damage:
        at = min(len(raw) - 1, spared + int(where * len(raw)))
        if at < 0:
            break
        end = min(len(raw), at + 1 + number % 64)
        if what == "flip":
            raw[at] ^= 1 + number % 255
        elif what == "cut":
            del raw[max(at, 1) :]
        elif what == "copy":
            other = number % len(raw)
            raw[at : at + 8] = raw[other : other + 8].ljust(min(8, len(raw) - at), b"\0")[: len(raw) - at]
        else:
            raw[at:end] = (b"\0" if what == "zero" else b"\xff") * (end - at)
    path.write_bytes(raw)


def outcome_of(reader, path):
    """Check how reading a file ended, and return that in a word: `read`, or the name of the error."""
    outcome, megabytes = reader(path)
    assert outcome == "read" or str(path) in outcome, outcome
    assert not outcome.startswith(("UNEXPECTED", "HANGS", "DIES")), outcome
    assert "\n" not in outcome
    assert megabytes < MEGABYTES
    return outcome.partition(":")[0].partition(" ")[0]


class Reader:
    """The process that reads; another one when it died."""

    def __init__(self):
        script = Path(__file__).with_name("hostile_reader.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def read(self, path):
        self.process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            self.stop()
            return f"HANGS for {SECONDS} s", 0
        line = self.process.stdout.readline()
        if not line.startswith(b"["):
            self.stop()
            return f"DIES with {self.process.returncode}: {line!r}", 0
        return json.loads(line)

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()
