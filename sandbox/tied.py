"""Child processes that end when we end, even when we are killed with `kill -9`.

A stand-in left behind by a crashed test would hold its ports and answer the next one with old data.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# Elsewhere than on Linux a shell waits for the end of its standard input, which only we hold open.
_WATCHER = '"$@" </dev/null & child=$!; (cat >/dev/null; kill $child 2>/dev/null) <&3 & wait $child'


def start(
    command: list[str],
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int = subprocess.DEVNULL,
    folder: Path | None = None,
    ending: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` so that it gets the signal `ending` when the calling thread's process dies.

    On Linux it is the calling *thread* that counts: call this from the main thread.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getpid()

        def tie() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, int(ending))
            if os.getppid() != parent:  # it died between fork and prctl
                os.kill(os.getpid(), ending)

        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tie,  # noqa: PLW1509 - two system calls, no lock is taken
        )
    return subprocess.Popen(
        ["/bin/sh", "-c", f"exec 3<&0; {_WATCHER}", "tied", *command],
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], patience: float = 5.0) -> int:
    """Ask the process to end, insist after `patience` seconds, and return its exit code."""
    process.terminate()
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
